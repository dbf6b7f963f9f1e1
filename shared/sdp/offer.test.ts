import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OFFER_VECTORS, offerVector } from '../../tests/offer-vectors.ts'
import { describeOfferFault, MAX_MEDIA_SECTIONS, MAX_OFFER_BYTES } from './offer-fault.ts'
import { readOffer } from './offer.ts'
import type { Offer } from './offer.ts'

const MID = 'urn:ietf:params:rtp-hdrext:sdes:mid'
const AUDIO_LEVEL = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level'

describe('real offers', () => {
  test('reads Chromium: everything stands in the m-lines', () => {
    expect(read(offerVector('chromium156'))).toMatchObject({
      iceUfrag: 'O9pE',
      icePwd: 'q8eEruAOXiJrNQnCnDFg3s+V',
      iceOptions: ['trickle'],
      fingerprints: [{ algorithm: 'sha-256', value: expect.stringMatching(/^7E:07:.*:71$/) }],
      setup: 'actpass',
      bundle: ['0', '1'],
      audio: {
        mid: '0',
        direction: 'sendrecv',
        codec: { name: 'opus', payloadType: 111 },
        opusFmtp: new Map([
          ['minptime', '10'],
          ['useinbandfec', '1'],
        ]),
        allowsMixedExtensions: true,
        allowsReducedSizeRtcp: true,
      },
      application: { mid: '1', sctpPort: 5000, maxMessageSize: 262_144 },
      sections: [{ use: 'audio' }, { use: 'application' }],
    })
    expect(read(offerVector('chromium156')).audio.extensions).toEqual(
      new Map([
        [AUDIO_LEVEL, 1],
        [MID, 4],
      ]),
    )
  })

  test('reads Chromium with SNAP as without', () => {
    expect(read(offerVector('chromium156-snap'))).toMatchObject({
      iceUfrag: 'hrVl',
      application: { mid: '1' },
    })
  })

  test('reads every ICE option of Chromium with SPED', () => {
    expect(read(offerVector('chromium156-sped')).iceOptions).toEqual(['trickle', 'sped', 'googspedv1'])
  })

  test('reads Firefox: fingerprint and ICE options stand at session level', () => {
    const offer = read(offerVector('firefox153'))
    expect(offer).toMatchObject({
      iceUfrag: '9624a879',
      iceOptions: ['trickle'],
      fingerprints: [{ value: expect.stringMatching(/^B9:D8:.*:23$/) }],
      audio: { codec: { name: 'opus', payloadType: 109 }, allowsReducedSizeRtcp: false },
      application: { maxMessageSize: 1_073_741_823 },
    })
    expect(offer.audio.opusFmtp.get('stereo')).toBe('1')
    expect([...offer.audio.extensions.keys()]).not.toContain('urn:ietf:params:rtp-hdrext:csrc-audio-level')
  })

  test('reads Safari and passes over its mDNS candidates', () => {
    expect(read(offerVector('safari18-composed'))).toMatchObject({
      iceUfrag: 'sf8Q',
      audio: { codec: { name: 'opus', payloadType: 111 } },
    })
  })

  test('reads libdatachannel: data first, named mids, a lower-case fingerprint, options with a comma', () => {
    expect(read(offerVector('libdatachannel0.33-composed'))).toMatchObject({
      iceOptions: ['ice2', 'trickle'],
      fingerprints: [{ value: expect.stringMatching(/^5C:8A:.*:91$/) }],
      bundle: ['data', 'audio'],
      audio: { mid: 'audio', codec: { name: 'opus', payloadType: 111 } },
      sections: [{ use: 'application' }, { use: 'audio' }],
    })
  })

  test('reads werift: OPUS in capitals under payload type 96', () => {
    expect(read(offerVector('werift0.25'))).toMatchObject({
      audio: { codec: { name: 'opus', payloadType: 96 }, opusFmtp: new Map() },
      application: { maxMessageSize: 65_536 },
    })
  })
})

describe('transport', () => {
  test('lets the m-line overrule the session level', () => {
    const text = edit(
      'firefox153',
      /a=group/,
      'a=ice-ufrag:session\r\na=ice-pwd:sessionsessionsession12\r\na=group',
    )
    expect(read(text)).toMatchObject({ iceUfrag: '9624a879' })
    expect(read(text.replace(/a=ice-ufrag:9624a879\r\n/, ''))).toMatchObject({ iceUfrag: 'session' })
  })

  test('inherits all of it from the session level', () => {
    const text = offerVector('firefox153')
      .replaceAll(/a=(?:ice-ufrag|ice-pwd|setup):.*\r\n/g, '')
      .replace('a=group', 'a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:active\r\na=group')
    expect(read(text)).toMatchObject({ iceUfrag: 'abcd', icePwd: '0123456789012345678901', setup: 'active' })
  })

  test('takes every SHA-256 fingerprint and no other hash', () => {
    const offer = read(
      edit('firefox153', /a=fingerprint:.*/, `$&\r\na=fingerprint:SHA-256 ${'ab:'.repeat(31)}cd`),
    )
    expect(offer.fingerprints.map(({ value }) => value.slice(0, 5))).toEqual(['B9:D8', 'AB:AB'])
    expect(readOffer(edit('firefox153', /fingerprint:sha-256/, 'fingerprint:sha-1'))).toBe(
      'offer-no-fingerprint',
    )
  })

  test('takes that of the first m-line of the group that is taken up', () => {
    const text = offerVector('libdatachannel0.33-composed').replace('mGQ3', 'dataUfrag')
    expect(read(text).iceUfrag).toBe('dataUfrag')
    expect(read(text.replace('BUNDLE data audio', 'BUNDLE audio data')).iceUfrag).toBe('mGQ3')
  })

  test('takes that of the first m-line of the group, though it is only inactive', () => {
    const video = (port: number) =>
      edit(
        'chromium156',
        /m=audio/,
        `m=video ${port} UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\na=rtcp-mux\r\nm=audio`,
      )
        .replace('BUNDLE', 'BUNDLE v')
        .replace(
          'a=mid:v',
          'a=mid:v\r\na=ice-ufrag:vvvv\r\na=ice-pwd:vvvvvvvvvvvvvvvvvvvvvv\r\na=setup:actpass',
        )
        .replace('a=setup', `a=fingerprint:sha-256 ${'00:'.repeat(31)}00\r\na=setup`)
    const waiting = video(9)
      .replaceAll(/m=(audio|application) 9/g, 'm=$1 0')
      .replaceAll(/a=mid:\d/g, '$&\r\na=bundle-only')
    for (const text of [video(9), waiting]) {
      expect(read(text)).toMatchObject({
        iceUfrag: 'vvvv',
        bundle: ['v', '0', '1'],
        sections: [{ use: 'tag' }, {}, {}],
      })
    }
    expect(read(video(0))).toMatchObject({
      iceUfrag: 'O9pE',
      bundle: ['0', '1'],
      sections: [{ use: 'none' }, {}, {}],
    })
  })

  test('refuses lines that wait for a transport which is not there', () => {
    const waiting = offerVector('chromium156')
      .replaceAll(/m=(\w+) 9/g, 'm=$1 0')
      .replaceAll(/a=mid:./g, '$&\r\na=bundle-only')
    expect(readOffer(waiting)).toBe('offer-not-bundled')
  })
})

describe('media', () => {
  test('rejects video, wherever it stands, and keeps the order', () => {
    const video =
      'm=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:v\r\na=rtpmap:96 VP8/90000\r\n'
    const first = read(edit('chromium156', /m=audio/, `${video}m=audio`))
    expect(first.sections.map(({ use }) => use)).toEqual(['none', 'audio', 'application'])
    const last = read(offerVector('chromium156') + video)
    expect(last.sections.map(({ use }) => use)).toEqual(['audio', 'application', 'none'])
    expect(last.sections[2]).toMatchObject({ media: 'video', mid: 'v', format: '96', rtpmap: '96 VP8/90000' })
  })

  test('takes the first audio m-line that is usable', () => {
    const useless = 'm=audio 9 UDP/TLS/RTP/SAVPF 9\r\na=mid:x\r\na=rtpmap:9 G722/8000\r\na=rtcp-mux\r\n'
    const disabled =
      'm=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:y\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-mux\r\n'
    const spare = disabled.replace('m=audio 0', 'm=audio 9').replace('mid:y', 'mid:z')
    const offer = read(edit('chromium156', /m=audio/, `${useless}${disabled}m=audio`) + spare)
    expect(offer.sections.map(({ use }) => use)).toEqual(['none', 'none', 'audio', 'application', 'none'])
    expect(offer.audio.mid).toBe('0')
  })

  test('takes an offer without data channels, and without a group if audio is alone', () => {
    const text = offerVector('chromium156').replace(/m=application[^]*/, '')
    expect(read(text)).toMatchObject({ application: undefined, bundle: ['0'] })
    const alone = text.replace(/a=group.*\r\n/, '').replace(/a=mid.*\r\n/, '')
    expect(read(alone)).toMatchObject({ bundle: [], audio: { mid: undefined } })
  })

  test.each([
    ['G.711 µ-law without an rtpmap', '0', '', { name: 'pcmu', payloadType: 0 }],
    ['G.711 A-law without an rtpmap', '8', '', { name: 'pcma', payloadType: 8 }],
    ['µ-law under a dynamic type', '100', 'a=rtpmap:100 pcmu/8000/1\r\n', { name: 'pcmu', payloadType: 100 }],
    ['Opus after G.711', '0 35', 'a=rtpmap:35 opus/48000/2\r\n', { name: 'opus', payloadType: 35 }],
  ])('takes %s', (_, formats, rtpmap, codec) => {
    expect(read(withFormats(formats, rtpmap)).audio.codec).toEqual(codec)
  })

  test.each([
    ['another clock rate', '111', 'a=rtpmap:111 opus/16000/2\r\n'],
    ['a payload type that looks like RTCP', '72', 'a=rtpmap:72 opus/48000/2\r\n'],
    ['a payload type of eight bits', '200', 'a=rtpmap:200 opus/48000/2\r\n'],
    ['an rtpmap whose format is not offered', '9', 'a=rtpmap:111 opus/48000/2\r\n'],
    ['a static type that is mapped to something else', '0', 'a=rtpmap:0 L16/8000\r\n'],
  ])('takes no codec from %s', (_, formats, rtpmap) => {
    expect(readOffer(withFormats(formats, rtpmap))).toBe('offer-no-codec')
  })

  test.each([
    ['a=recvonly', 'recvonly'],
    ['a=sendonly', 'sendonly'],
    ['a=x-none', 'sendrecv'],
  ])('reads the direction of %s', (line, direction) => {
    expect(read(edit('chromium156', /a=sendrecv/, line)).audio.direction).toBe(direction)
  })

  test('takes only extensions that go both ways and fit the one-byte form', () => {
    const extension = (value: string) =>
      read(edit('firefox153', /a=extmap:3 .*/, `a=extmap:${value} ${MID}`)).audio.extensions.get(MID)
    expect(extension('14')).toBe(14)
    expect(extension('3/sendrecv')).toBe(3)
    expect(extension('3/recvonly')).toBeUndefined()
    expect(extension('15')).toBeUndefined()
    expect(extension('0')).toBeUndefined()
  })

  test('takes a missing message size as 64 KB and zero as no limit (RFC 8841 section 6.1)', () => {
    const size = (line: string) =>
      read(edit('chromium156', /a=max-message-size:.*\r\n/, line)).application?.maxMessageSize
    expect(size('')).toBe(65_536)
    expect(size('a=max-message-size:0\r\n')).toBe(Infinity)
  })
})

describe('refusals', () => {
  test.each([
    ['sdp-malformed', 'nonsense'],
    ['sdp-malformed', edit('chromium156', /a=mid:1/, 'a=mid:0')],
    ['sdp-malformed', edit('chromium156', /a=mid:1/, 'a=mid:one two')],
    ['sdp-malformed', edit('chromium156', /a=sctp-port:5000/, 'a=sctp-port:0')],
    ['sdp-malformed', edit('chromium156', /a=max-message-size:262144/, 'a=max-message-size:-1')],
    ['offer-too-large', `${offerVector('chromium156')}a=x:${'é'.repeat(MAX_OFFER_BYTES / 2)}\r\n`],
    ['offer-too-many-media', `v=0\r\n${'m=audio 9 RTP/AVP 0\r\n'.repeat(MAX_MEDIA_SECTIONS + 1)}`],
    ['offer-no-audio', edit('chromium156', /m=audio/, 'm=video')],
    ['offer-no-audio', edit('chromium156', /m=audio 9/, 'm=audio 0')],
    ['offer-no-audio', edit('chromium156', /UDP\/TLS\/RTP\/SAVPF/, 'udptl')],
    ['offer-no-codec', edit('chromium156', /111 63 9 0 8 13 110 126/, '63 9 13')],
    ['offer-no-rtcp-mux', edit('chromium156', /a=rtcp-mux\r\n/, '')],
    ['offer-direction', edit('chromium156', /a=sendrecv/, 'a=inactive')],
    ['offer-not-bundled', edit('chromium156', /a=group:BUNDLE 0 1/, 'a=group:BUNDLE 0')],
    ['offer-not-bundled', edit('chromium156', /a=group:BUNDLE/, 'a=group:LS')],
    ['offer-not-bundled', edit('chromium156', /a=mid:1\r\n/, '')],
    ['offer-no-ice', edit('chromium156', /a=ice-ufrag:.*\r\n/, '')],
    ['offer-no-ice', edit('chromium156', /a=ice-ufrag:.*/, 'a=ice-ufrag:abc')],
    ['offer-no-ice', edit('chromium156', /a=ice-pwd:.*/, 'a=ice-pwd:short')],
    ['offer-no-ice', edit('chromium156', /a=ice-pwd:/, 'a=ice-pwd:_')],
    ['offer-ice-lite', edit('chromium156', /a=group/, 'a=ice-lite\r\na=group')],
    ['offer-no-fingerprint', edit('chromium156', /a=fingerprint:.*\r\n/, '')],
    ['offer-no-fingerprint', edit('chromium156', /a=fingerprint:sha-256 7E:/, 'a=fingerprint:sha-256 ')],
    ['offer-setup', edit('chromium156', /a=setup:.*\r\n/, '')],
    ['offer-setup', edit('chromium156', /a=setup:.*/, 'a=setup:holdconn')],
  ] as const)('says %s', (fault, text) => {
    expect(readOffer(text)).toBe(fault)
    expect(describeOfferFault(fault)).toMatch(/^The .*\.$/)
  })
})

test('never throws, whatever lines of a real offer are lost, doubled or moved', () => {
  const mangled = fc.constantFrom(...OFFER_VECTORS).chain((name) => {
    const [version = '', ...lines] = offerVector(name).split('\r\n').slice(0, -1)
    const some = fc.subarray([...lines, ...lines], { minLength: lines.length })
    return fc
      .oneof(some, fc.shuffledSubarray(lines))
      .map((lines) => `${[version, ...lines].join('\r\n')}\r\n`)
  })
  fc.assert(
    fc.property(mangled, (text) => {
      const offer = readOffer(text)
      if (typeof offer !== 'string')
        expect(offer.sections.filter(({ use }) => use === 'audio')).toHaveLength(1)
    }),
  )
})

function read(text: string): Offer {
  const offer = readOffer(text)
  if (typeof offer === 'string') throw new Error(offer)
  return offer
}

/** The offer called `name`, with the first match of `pattern` replaced. */
function edit(name: Parameters<typeof offerVector>[0], pattern: RegExp, replacement: string): string {
  const text = offerVector(name)
  if (!pattern.test(text)) throw new Error(`${name} has no ${pattern.source}`)
  return text.replace(pattern, replacement)
}

/** Chromium's offer with these formats of audio and no other rtpmap. */
function withFormats(formats: string, rtpmap: string): string {
  return edit('chromium156', /111 63 9 0 8 13 110 126/, formats)
    .replaceAll(/a=(?:rtpmap|rtcp-fb|fmtp):.*\r\n/g, '')
    .replace('a=ssrc', `${rtpmap}a=ssrc`)
}
