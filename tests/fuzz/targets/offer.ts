/** SDP: the lossless lines, the offer that is read, and the answer that is written to it (`shared/sdp`). */

import { utf8 } from '#shared/bytes'
import { answeredSetup, writeAnswer } from '#shared/sdp/answer'
import type { AnswerParameters } from '#shared/sdp/answer'
import { candidatesFor } from '#shared/sdp/candidates'
import { attributeValues, parseDescription, serialiseDescription } from '#shared/sdp/description'
import { readOffer } from '#shared/sdp/offer'
import type { Offer } from '#shared/sdp/offer'
import { OFFER_VECTORS, offerVector } from '../../offer-vectors.ts'
import { mustEqual, mustHold } from '../target.ts'
import type { FuzzTarget } from '../target.ts'

/** Lines that change what an offer means. */
const LINES = `a=mid:0
a=bundle-only
a=rtcp-mux
a=inactive
a=recvonly
a=ice-lite
a=setup:active
a=group:BUNDLE 0 1
a=rtpmap:0 PCMU/8000
a=sctp-port:0
m=audio 9 UDP/TLS/RTP/SAVPF 111`.split('\n')

export const offer: FuzzTarget = {
  name: 'offer',
  shares: 2,
  maxBytes: 66_000,
  seeds: () => [
    ...OFFER_VECTORS.map((name) => utf8(offerVector(name))),
    utf8(G711_OFFER),
    utf8(TAGGED_OFFER),
  ],
  words: ['\r\n', '\n', '\r', ' ', ':', '=', '\u2028', '99999', '-1', '*', '0', ...LINES],
  run(input) {
    // The Worker hands over text in which what is no UTF-8 has been replaced.
    const text = new TextDecoder().decode(input)
    const description = parseDescription(text)
    if (description !== 'sdp-malformed') {
      mustEqual(serialiseDescription(description), text, 'a description written again differs')
    }
    const read = readOffer(text)
    if (typeof read === 'string') return read
    mustAnswer(read)
    const { audio, application, bundle, setup } = read
    return [
      'offer',
      audio.codec.name,
      setup,
      audio.direction,
      application && 'data',
      bundle.length > 0 && 'bundle',
    ]
      .filter((word) => typeof word === 'string')
      .join('-')
  },
}

/** The answer to an offer that can be read has a line for each of its lines, and can itself be read as an offer. */
function mustAnswer(read: Offer): void {
  const answer = writeAnswer(read, { ...PARAMETERS, setup: answeredSetup(read) })
  const description = parseDescription(answer)
  mustHold(description !== 'sdp-malformed', 'an answer is no SDP')
  mustHold(/^(?:[a-z]=[^\r\n]*\r\n)+$/.test(answer), 'an answer has a line that is none')
  const lines = description.media.map(({ media, protocol }) => ({ media, protocol }))
  mustEqual(
    lines,
    read.sections.map(({ media, protocol }) => ({ media, protocol })),
    'other m-lines',
  )
  const mids = description.media.map((section) => attributeValues(section, 'mid')[0])
  mustEqual(
    mids,
    read.sections.map(({ mid }) => mid),
    'other mids',
  )
  const back = readOffer(answer)
  mustHold(typeof back !== 'string', 'an answer is refused as an offer')
  mustEqual(back.audio.codec, read.audio.codec, 'another codec')
  mustEqual(back.audio.extensions, read.audio.extensions, 'other extensions')
  mustEqual(back.bundle, read.bundle, 'another bundle')
  mustEqual(back.application === undefined, read.application === undefined, 'data channels or none')
  mustEqual([back.iceUfrag, back.icePwd], [PARAMETERS.ufrag, PARAMETERS.pwd], 'other credentials')
}

const PARAMETERS: Omit<AnswerParameters, 'setup'> = {
  sessionId: '4611686018427387905',
  ufrag: 'AbCdEfGhIjKlMnOpQrStUv',
  pwd: 'pwdpwdpwdpwdpwdpwdpwdpwd',
  fingerprint: { algorithm: 'sha-256', value: `${'0A:'.repeat(31)}FF` },
  candidates: candidatesFor([
    { id: 'a', region: 'r', vips: [{ address: '192.0.2.1', udpPorts: [3478, 443], tcpPorts: [443] }] },
    { id: 'b', region: 's', vips: [{ address: '2001:db8::1', udpPorts: [3478], tcpPorts: [] }] },
  ]),
  ssrc: 4_294_967_295,
  cname: 'server',
  streamId: 'agent',
  trackId: 'agent-audio',
}

const TRANSPORT_LINES = `a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuv
a=fingerprint:sha-256 ${'0A:'.repeat(31)}FF
a=setup:passive`

/** One line without a mid, G.711 only, and the transport at session level. */
const G711_OFFER = `v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
${TRANSPORT_LINES}
m=audio 9 RTP/AVP 8 0
c=IN IP4 0.0.0.0
a=rtcp-mux
a=recvonly
`

/** A video line that nobody takes up is the tag of the bundle. */
const TAGGED_OFFER = `v=0
o=- 1 1 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE v a d
${TRANSPORT_LINES}
m=video 9 UDP/TLS/RTP/SAVPF 96
a=mid:v
a=rtcp-mux
a=rtpmap:96 VP8/90000
m=audio 0 UDP/TLS/RTP/SAVPF 111
a=mid:a
a=bundle-only
a=rtcp-mux
a=rtpmap:111 opus/48000/2
m=application 0 UDP/DTLS/SCTP webrtc-datachannel
a=mid:d
a=bundle-only
a=sctp-port:5000
`
