/** Routing ufrags and call ids (`shared/ufrag/route`). */

import { readFileSync } from 'node:fs'
import { fromHex, fromUtf8, utf8 } from '#shared/bytes'
import { aesBlockCipher } from '#shared/platform/crypto'
import { callIdOf, mintUfrag, parseUfrag, RouteKeyRing, RouteReader, ufragOf } from '#shared/ufrag/route'
import { readAmongOthers } from '../among-others.ts'
import { mustEqual, mustHold } from '../target.ts'
import type { FuzzTarget } from '../target.ts'

export const ufrag: FuzzTarget = {
  name: 'ufrag',
  maxBytes: 64,
  seeds: () => vectors.vectors.flatMap((vector) => [utf8(vector.ufrag), utf8(callIdOf(vector.ufrag))]),
  run(input) {
    const seen = readAmongOthers(input, readRoute)
    const text = fromUtf8(input)
    if (text === undefined) return typeof seen === 'string' ? `${seen}-no-text` : 'route-no-text'
    const callId = ufragOf(text)
    if (callId !== undefined) {
      mustEqual(callIdOf(callId), text, 'a call id made again differs')
      return 'call-id'
    }
    const route = parseUfrag(text, rings[0], NOW_MINUTES)
    if (text.length === input.length) mustEqual(route, seen, 'text and bytes differ')
    if (typeof route === 'string') return route
    mustHold(
      rings.some((ring) => mintUfrag(route, ring) === text),
      'a route opened is not the one sealed',
    )
    return 'route'
  },
}

interface Vectors {
  readonly keys: Readonly<Record<string, string>>
  readonly vectors: readonly { readonly ufrag: string }[]
}

const vectors = JSON.parse(
  readFileSync(new URL('../../vectors/routing-ufrag.json', import.meta.url), 'utf8'),
) as Vectors

const keys = Object.entries(vectors.keys).map(([id, hex]) => ({
  id: Number(id),
  cipher: aesBlockCipher(fromHex(hex) ?? new Uint8Array()),
}))

/** One ring for each key to seal with. */
const rings = keys.map(({ id }) => new RouteKeyRing(keys, id)) as [RouteKeyRing, ...RouteKeyRing[]]
const reader = new RouteReader(rings[0])

function readRoute(memory: Uint8Array, start: number, length: number) {
  const fault = reader.read(memory, start, length, NOW_MINUTES)
  if (fault !== undefined) return fault
  const { cluster, transceiver, session, expiryMinutes, flags } = reader
  return { cluster, transceiver, session, expiryMinutes, flags }
}

/** The minute at which docs/routing-ufrag.md has its refused ufrags. */
const NOW_MINUTES = 4
