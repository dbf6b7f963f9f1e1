import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_FRAGMENT_BYTES, describeFragmentFault, parseFragment, writeFragment } from './fragment.ts'
import type { IceFragment } from './fragment.ts'

/** RFC 9725 section 4.3.2: a client trickles a candidate. */
const TRICKLED = `a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1
a=end-of-candidates
`

const iceChars = (minLength: number, maxLength: number) =>
  fc.stringMatching(new RegExp(`^[A-Za-z0-9+/]{${minLength},${maxLength}}$`))
const token = fc.stringMatching(/^[!-+\--~]{1,12}$/)

const fragments: fc.Arbitrary<IceFragment> = fc.record({
  iceUfrag: iceChars(4, 32),
  icePwd: iceChars(22, 40),
  iceOptions: fc.array(token, { maxLength: 3 }),
  section: fc.option(
    fc.record({ line: fc.constantFrom('audio 9 UDP/TLS/RTP/SAVPF 0', 'application 9 x y'), mid: token }),
    { nil: undefined },
  ),
  candidates: fc.array(
    fc.tuple(token, token).map((words) => words.join(' ')),
    { maxLength: 4 },
  ),
  isComplete: fc.boolean(),
})

describe('SDP fragments', () => {
  test('are read as clients write them, with credentials at either level', () => {
    const fragment = parseFragment(TRICKLED)
    expect(fragment).toMatchObject({
      iceUfrag: 'EsAw',
      icePwd: 'P2uYro0UCOQ4zxjKXaWCBui1',
      section: { line: 'audio 9 UDP/TLS/RTP/SAVPF 111', mid: '0' },
      isComplete: true,
    })
    expect(fragment).toHaveProperty('candidates.length', 1)
    expect(parseFragment('a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n')).toMatchObject({
      section: undefined,
      candidates: [],
      isComplete: false,
    })
  })

  test.each([
    ['fragment-no-ice', 'a=mid:0\r\n'],
    ['fragment-no-ice', ''],
    ['fragment-no-ice', 'a=ice-ufrag:x\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n'],
    ['fragment-malformed', `${TRICKLED}a=ice-ufrag:other\r\n`],
    ['fragment-malformed', `${TRICKLED}nonsense\r\n`],
    ['fragment-too-large', TRICKLED + 'a=x:1\r\n'.repeat(MAX_FRAGMENT_BYTES / 7)],
  ] as const)('are refused as %s', (fault, text) => {
    expect(parseFragment(text)).toBe(fault)
    expect(describeFragmentFault(fault)).toMatch(/^The fragment .*\.$/)
  })

  test('survive writing and reading', () => {
    fc.assert(
      fc.property(fragments, (fragment) => {
        expect(parseFragment(writeFragment(fragment))).toEqual(fragment)
      }),
    )
  })

  test('of any bytes are a value or a fault', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        parseFragment(text)
        parseFragment(`${TRICKLED}${text}`)
      }),
    )
  })
})
