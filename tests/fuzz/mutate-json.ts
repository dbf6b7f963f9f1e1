/** Mutates JSON as a value: whatever comes out can be parsed, so that what reads it is reached. */

import { fromUtf8, utf8 } from '#shared/bytes'
import type { Random } from './random.ts'

/** Replaces, removes or adds a few values in the JSON text that `input` is; any other input stays as it is. */
export function mutateJson(input: Uint8Array, random: Random): Uint8Array {
  const value = parseJson(fromUtf8(input) ?? '')
  if (value === undefined) return input
  let mutated: unknown = value
  for (let steps = 1 + random.below(4); steps > 0; steps--) mutated = mutateValue(mutated, random)
  return utf8(JSON.stringify(mutated))
}

/** Parses JSON; `undefined` if it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** Throws if what a reader made of JSON has a way to change what every object inherits. */
export function mustLeavePrototypeAlone(): void {
  if (Object.keys(Object.prototype).length > 0) throw new Error('Object.prototype has been changed')
}

/** Goes down to some value, and changes that. */
function mutateValue(value: unknown, random: Random): unknown {
  const isContainer = typeof value === 'object' && value !== null
  if (!isContainer || random.oneIn(6)) return replacementFor(value, random)
  const entries = Object.entries(value)
  const at = random.below(entries.length + 1)
  const [key, child] = entries[at] ?? [random.pick(KEYS), random.pick(VALUES)]
  const changed = random.oneIn(8) ? [] : [[key, mutateValue(child, random)] as const]
  const rest = [...entries.slice(0, at), ...changed, ...entries.slice(at + 1)]
  return Array.isArray(value) ? rest.map(([, item]) => item) : Object.fromEntries(rest)
}

function replacementFor(value: unknown, random: Random): unknown {
  if (random.oneIn(3)) return random.pick(VALUES)
  if (typeof value === 'number') return value + random.pick([-1, 1, 0.5, 2 ** 32, -(2 ** 31)])
  if (typeof value === 'string')
    return random.oneIn(2) ? value.slice(random.below(4)) : value.repeat(random.below(9))
  if (Array.isArray(value)) return [...(value as unknown[]), ...(value as unknown[])]
  return random.oneIn(2) ? [value] : { type: value }
}

const KEYS = ['__proto__', 'constructor', 'toString', 'type', 'id', 'length', '0', '']

const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  65_536,
  2 ** 53,
  -0,
  1e308,
  '',
  '0',
  '\0',
  '\ud800',
  'http://',
  'x'.repeat(300),
  [],
  {},
  [[]],
  [null],
  { type: null },
  JSON.parse('{"__proto__":{"type":"x","polluted":1}}'),
]
