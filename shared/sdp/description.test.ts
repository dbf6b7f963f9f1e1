import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { OFFER_VECTORS, offerVector } from '../../tests/offer-vectors.ts'
import { attributeValue, attributeValues, parseDescription, serialiseDescription } from './description.ts'
import type { SessionDescription } from './description.ts'

test.each(OFFER_VECTORS)('writes the offer of %s as it was, byte for byte', (name) => {
  const text = offerVector(name)
  expect(serialiseDescription(parsed(text))).toBe(text)
})

test('groups lines by m-line and reads what the m-line says', () => {
  const { lines, media } = parsed(
    'v=0\r\ns=-\r\nm=audio 9/2 UDP/TLS/RTP/SAVPF 111 0\r\na=mid:0\r\nm=video 0 X 96\r\n',
  )
  expect(lines).toHaveLength(2)
  expect(media).toMatchObject([
    { media: 'audio', port: 9, protocol: 'UDP/TLS/RTP/SAVPF', formats: ['111', '0'] },
    { media: 'video', port: 0, protocol: 'X', formats: ['96'] },
  ])
  expect(media[0]?.lines).toHaveLength(2)
})

test('keeps every kind of line ending, and empty lines at the end', () => {
  const text = 'v=0\r\ns=a b\nm=audio 9 RTP/AVP 0\r\n\r\n\n'
  expect(serialiseDescription(parsed(text))).toBe(text)
})

test('tells an attribute from one whose name begins alike', () => {
  const { media } = parsed(
    'v=0\nm=audio 9 X 0\na=rtcp:9 IN IP4 0.0.0.0\na=rtcp-mux\na=msid-semantic: WMS\na=rtcp:8',
  )
  const [section = { lines: [] }] = media
  expect(attributeValues(section, 'rtcp')).toEqual(['9 IN IP4 0.0.0.0', '8'])
  expect(attributeValue(section, 'rtcp-mux')).toBe('')
  expect(attributeValue(section, 'msid-semantic')).toBe('WMS')
  expect(attributeValue(section, 'msid')).toBeUndefined()
})

test.each([
  ['nothing', ''],
  ['another version', 'v=1\r\n'],
  ['a line before the version', 's=-\r\nv=0\r\n'],
  ['a line without an equals sign', 'v=0\r\nhello\r\n'],
  ['a type of two letters', 'v=0\r\nab=c\r\n'],
  ['an upper-case type', 'v=0\r\nA=c\r\n'],
  ['a bare carriage return', 'v=0\rs=-\r'],
  ['an empty line amid others', 'v=0\r\n\r\ns=-\r\n'],
  ['an m-line without formats', 'v=0\r\nm=audio 9 RTP/AVP\r\n'],
  ['an m-line with no port number', 'v=0\r\nm=audio nine RTP/AVP 0\r\n'],
  ['a port beyond 16 bits', 'v=0\r\nm=audio 65536 RTP/AVP 0\r\n'],
  ['an m-line with a control character', 'v=0\r\nm=au\u0007dio 9 RTP/AVP 0\r\n'],
])('refuses %s', (_, text) => {
  expect(parseDescription(text)).toBe('sdp-malformed')
})

test('writes whatever it parses as it was', () => {
  const ending = fc.constantFrom('\r\n', '\n')
  const value = fc.stringMatching(/^[^\r\n]{0,12}$/)
  const line = fc.tuple(fc.constantFrom('a', 'b', 'c', 'o', 's', 't', 'z'), value, ending)
  const mediaLine = fc.tuple(fc.constantFrom('audio', 'video'), fc.nat(65_535), ending)
  const text = fc
    .array(
      fc.oneof(
        line.map(([type, value, end]) => `${type}=${value}${end}`),
        mediaLine.map(([media, port, end]) => `m=${media} ${port} RTP/AVP 0${end}`),
      ),
    )
    .map((lines) => `v=0\n${lines.join('')}`)
  fc.assert(
    fc.property(text, (text) => {
      expect(serialiseDescription(parsed(text))).toBe(text)
    }),
  )
})

test('never throws, and loses nothing of what it accepts', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('v=0', 'm=', 'a=', 'a', ' ', '9', '\r', '\n') }),
  )
  fc.assert(
    fc.property(anyText, (text) => {
      const description = parseDescription(text)
      if (typeof description !== 'string') expect(serialiseDescription(description)).toBe(text)
    }),
  )
})

function parsed(text: string): SessionDescription {
  const description = parseDescription(text)
  if (typeof description === 'string') throw new Error(description)
  return description
}
