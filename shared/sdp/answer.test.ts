import { describe, expect, test } from 'vitest'
import { OFFER_VECTORS, offerVector } from '../../tests/offer-vectors.ts'
import { answeredSetup, writeAnswer } from './answer.ts'
import type { AnswerParameters } from './answer.ts'
import { attributeValue, attributeValues, parseDescription } from './description.ts'
import type { SessionDescription } from './description.ts'
import { readOffer } from './offer.ts'
import type { Offer } from './offer.ts'

const PARAMETERS: AnswerParameters = {
  sessionId: '4611686018427387905',
  ufrag: 'AbCdEfGhIjKlMnOpQrStUv',
  pwd: 'pwdpwdpwdpwdpwdpwdpwdpwd',
  fingerprint: { algorithm: 'sha-256', value: `${'0A:'.repeat(31)}FF` },
  setup: 'active',
  candidates: [
    { foundation: '1', priority: 2_130_706_175, transport: 'udp', address: '192.0.2.1', port: 3478 },
    { foundation: '2', priority: 2_130_706_431, transport: 'udp', address: '2001:db8::1', port: 3478 },
    {
      foundation: '3',
      priority: 2_124_415_231,
      transport: 'tcp',
      address: '192.0.2.1',
      port: 443,
      tcpType: 'passive',
    },
  ],
  ssrc: 4_294_967_295,
  cname: 'server',
  streamId: 'agent',
  trackId: 'agent-audio',
}

test('answers Chromium with exactly this', () => {
  expect(answer(offerVector('chromium156')).split('\r\n')).toEqual([
    'v=0',
    'o=- 4611686018427387905 1 IN IP4 0.0.0.0',
    's=-',
    't=0 0',
    'a=group:BUNDLE 0 1',
    'a=ice-options:ice2',
    'a=msid-semantic: WMS *',
    'm=audio 3478 UDP/TLS/RTP/SAVPF 63 111',
    'c=IN IP4 192.0.2.1',
    'a=mid:0',
    'a=ice-ufrag:AbCdEfGhIjKlMnOpQrStUv',
    'a=ice-pwd:pwdpwdpwdpwdpwdpwdpwdpwd',
    `a=fingerprint:sha-256 ${'0A:'.repeat(31)}FF`,
    'a=setup:active',
    'a=candidate:1 1 udp 2130706175 192.0.2.1 3478 typ host',
    'a=candidate:2 1 udp 2130706431 2001:db8::1 3478 typ host',
    'a=candidate:3 1 tcp 2124415231 192.0.2.1 443 typ host tcptype passive',
    'a=end-of-candidates',
    'a=sendrecv',
    'a=rtcp-mux',
    'a=rtcp-rsize',
    'a=extmap-allow-mixed',
    'a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level',
    'a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid',
    'a=rtpmap:63 red/48000/2',
    'a=fmtp:63 111/111',
    'a=rtpmap:111 opus/48000/2',
    'a=fmtp:111 minptime=10;useinbandfec=1',
    'a=msid:agent agent-audio',
    'a=ssrc:4294967295 cname:server',
    'm=application 3478 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 192.0.2.1',
    'a=mid:1',
    'a=ice-ufrag:AbCdEfGhIjKlMnOpQrStUv',
    'a=ice-pwd:pwdpwdpwdpwdpwdpwdpwdpwd',
    `a=fingerprint:sha-256 ${'0A:'.repeat(31)}FF`,
    'a=setup:active',
    'a=sctp-port:5000',
    'a=max-message-size:262144',
    '',
  ])
})

describe.each(OFFER_VECTORS)('the answer to %s', (name) => {
  const offered = parsed(offerVector(name))
  const answered = parsed(answer(offerVector(name)))

  test('has the m-lines of the offer in their order, with their mids and protocols', () => {
    expect(answered.media.map(outline)).toEqual(offered.media.map(outline))
  })

  test('keeps the bundle and puts the candidates in its first m-line only', () => {
    const group = attributeValue(offered, 'group')
    expect(attributeValue(answered, 'group')).toBe(group)
    const tag = group?.split(' ')[1]
    for (const section of answered.media) {
      const isTagged = attributeValue(section, 'mid') === tag
      expect(attributeValues(section, 'candidate')).toHaveLength(isTagged ? 3 : 0)
      expect(attributeValues(section, 'end-of-candidates')).toHaveLength(isTagged ? 1 : 0)
      expect(attributeValue(section, 'ice-ufrag')).toBe(PARAMETERS.ufrag)
    }
  })

  test('takes up no line that the offer does not have', () => {
    const audio = offered.media.find(({ media }) => media === 'audio')!
    const answeredAudio = answered.media.find(({ media }) => media === 'audio')!
    expect(attributeValue(answeredAudio, 'rtcp-rsize')).toBe(attributeValue(audio, 'rtcp-rsize'))
    expect(attributeValues(audio, 'extmap')).toEqual(
      expect.arrayContaining(attributeValues(answeredAudio, 'extmap')),
    )
    expect(audio.formats).toEqual(expect.arrayContaining([...answeredAudio.formats]))
  })
})

test('rejects other m-lines with port 0, outside the bundle', () => {
  const video = 'm=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:v\r\na=rtpmap:96 VP8/90000\r\n'
  const text = offerVector('chromium156')
    .replace('m=audio', `${video}m=audio`)
    .replace('BUNDLE 0', 'BUNDLE v 0')
  const answered = answer(text)
  expect(answered).toContain(
    'm=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:v\r\na=inactive\r\nm=audio 3478',
  )
  expect(answered).toContain('a=group:BUNDLE 0 1\r\n')
})

test('answers the tag of the bundle as inactive if it cannot be taken up', () => {
  const video = 'm=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:v\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n'
  const transport = /a=ice-ufrag[^]*?a=setup.*\r\n/.exec(offerVector('chromium156'))?.[0]
  const text = offerVector('chromium156')
    .replace('m=audio', `${video}${transport}m=audio`)
    .replace('BUNDLE', 'BUNDLE v')
  const [session = '', tag = '', ...others] = answer(text).split('m=')
  expect(session).toContain('a=group:BUNDLE v 0 1\r\n')
  expect(tag).toMatch(/^video 3478 UDP\/TLS\/RTP\/SAVPF 96\r\n/)
  expect(tag).toMatch(/a=end-of-candidates\r\na=inactive\r\na=rtcp-mux\r\na=rtpmap:96 VP8\/90000\r\n$/)
  expect(others.join('')).not.toContain('a=candidate')
})

test.each([
  ['sendrecv', 'sendrecv', true],
  ['sendonly', 'recvonly', false],
  ['recvonly', 'sendonly', true],
])('answers %s with %s', (offered, direction, sends) => {
  const answered = answer(offerVector('chromium156').replace('a=sendrecv', `a=${offered}`))
  expect(answered).toContain(`a=${direction}\r\n`)
  expect([answered.includes('a=msid:'), answered.includes('a=ssrc:')]).toEqual([sends, sends])
})

test('answers G.711 when there is no Opus', () => {
  const answered = answer(offerVector('chromium156').replace('111 63 9 0 8', '8 0'))
  expect(answered).toContain('RTP/SAVPF 0\r\n')
  expect(answered).toContain('a=rtpmap:0 PCMU/8000\r\n')
  expect(answered).not.toContain('a=fmtp')
})

test('takes up RED only with copies of the codec taken up', () => {
  const chromium = offerVector('chromium156')
  for (const fmtp of ['a=fmtp:63 111', 'a=fmtp:63 111/0', 'a=fmtp:63 0/0']) {
    expect(answer(chromium.replace('a=fmtp:63 111/111', fmtp))).toContain('RTP/SAVPF 111\r\n')
  }
  expect(answer(offerVector('firefox153'))).not.toContain('red/')
})

test('answers audio that is not bundled without a group', () => {
  const text = offerVector('chromium156')
    .replace(/m=application[^]*/, '')
    .replace(/a=(?:group|mid):.*\r\n/g, '')
  const answered = answer(text)
  expect(answered).not.toMatch(/a=(?:group|mid)/)
  expect(answered).toContain('a=end-of-candidates')
})

test('puts an IPv6 address in the c-line when it comes first', () => {
  const candidates = PARAMETERS.candidates.slice(1, 2)
  expect(writeAnswer(read(offerVector('firefox153')), { ...PARAMETERS, candidates })).toContain(
    'c=IN IP6 2001:db8::1\r\n',
  )
})

test('is active unless the client is', () => {
  expect(answeredSetup({ setup: 'actpass' })).toBe('active')
  expect(answeredSetup({ setup: 'passive' })).toBe('active')
  expect(answeredSetup({ setup: 'active' })).toBe('passive')
})

test('throws on parameters that make no answer', () => {
  const offer = read(offerVector('chromium156'))
  expect(() => writeAnswer(offer, { ...PARAMETERS, candidates: [] })).toThrow(RangeError)
  expect(() => writeAnswer({ ...offer, setup: 'active' }, PARAMETERS)).toThrow(RangeError)
})

function answer(text: string): string {
  return writeAnswer(read(text), PARAMETERS)
}

function read(text: string): Offer {
  const offer = readOffer(text)
  if (typeof offer === 'string') throw new Error(offer)
  return offer
}

function parsed(text: string): SessionDescription {
  const description = parseDescription(text)
  if (typeof description === 'string') throw new Error(description)
  return description
}

function outline(section: SessionDescription['media'][number]) {
  return [section.media, section.protocol, attributeValue(section, 'mid')]
}
