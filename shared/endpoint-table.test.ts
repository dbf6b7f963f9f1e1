import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ENDPOINT_WORDS } from './endpoint.ts'
import { EndpointTable } from './endpoint-table.ts'
import { halfSipHash } from './half-sip-hash.ts'
import { millisOf } from './time.ts'

test('finds what was entered, by all five words and the scope', () => {
  const table = new EndpointTable(8)
  const slot = table.insert(endpoint(1), 0, 7, millisOf(0))
  expect(slot).toBeGreaterThanOrEqual(0)
  expect(slot).toBeLessThan(8)
  expect(table.find(endpoint(1), 0, 7)).toBe(slot)
  expect(table.find(endpoint(1), 0, 8)).toBe(-1)
  for (let word = 0; word < ENDPOINT_WORDS; word++) {
    const other = endpoint(1).map((value, i) => (i === word ? value ^ (1 << 30) : value))
    expect(table.find(other, 0, 7)).toBe(-1)
  }
})

test('reads and writes an endpoint in the middle of longer memory', () => {
  const table = new EndpointTable(2)
  const memory = new Int32Array([9, ...endpoint(3), 9])
  const slot = table.insert(memory, 1, 0, millisOf(0))
  expect(table.find(endpoint(3), 0, 0)).toBe(slot)
  memory.fill(0)
  table.keyOf(slot, memory, 1)
  expect([...memory]).toEqual([0, ...endpoint(3), 0])
})

test('takes an entry again into the slot it has', () => {
  const table = new EndpointTable(1)
  const slot = table.insert(endpoint(1), 0, 0, millisOf(0))
  expect(table.insert(endpoint(1), 0, 0, millisOf(0))).toBe(slot)
  expect(table.size).toBe(1)
})

test('refuses a new entry when full, keeps the others, and takes one once a slot is free', () => {
  const table = new EndpointTable(2)
  const first = table.insert(endpoint(1), 0, 0, millisOf(0))
  const second = table.insert(endpoint(2), 0, 0, millisOf(0))
  expect(table.insert(endpoint(3), 0, 0, millisOf(0))).toBe(-1)
  expect(table.find(endpoint(1), 0, 0)).toBe(first)
  table.remove(second)
  expect(table.insert(endpoint(3), 0, 0, millisOf(0))).toBe(second)
})

test('does nothing when a free slot is removed', () => {
  const table = new EndpointTable(2)
  const slot = table.insert(endpoint(1), 0, 0, millisOf(0))
  table.remove(slot)
  table.remove(slot)
  table.remove(1 - slot)
  expect(table.size).toBe(0)
  expect(table.insert(endpoint(1), 0, 0, millisOf(0))).not.toBe(table.insert(endpoint(2), 0, 0, millisOf(0)))
})

test('expires the longest idle first, never early and at most a second late', () => {
  const table = new EndpointTable(4)
  const early = table.insert(endpoint(1), 0, 0, millisOf(1_200))
  const late = table.insert(endpoint(2), 0, 0, millisOf(2_900))
  const expired: number[] = []
  const expire = (olderThan: number) => table.expire(millisOf(olderThan), (slot) => expired.push(slot))
  expect(expire(1_200)).toBe(0)
  expect(expire(2_200)).toBe(1)
  expect(expire(2_900)).toBe(0)
  table.touch(late, millisOf(3_400))
  expect(expire(3_900)).toBe(0)
  expect(expire(4_400)).toBe(1)
  expect(expired).toEqual([early, late])
})

test('expires no more entries at once than it is told', () => {
  const table = new EndpointTable(4)
  for (let id = 0; id < 4; id++) table.insert(endpoint(id), 0, 0, millisOf(0))
  expect(table.expire(millisOf(1), () => {}, 3)).toBe(3)
  expect(table.size).toBe(1)
})

test('tells an expired entry while its key can still be read', () => {
  const table = new EndpointTable(1)
  table.insert(endpoint(5), 0, 0, millisOf(0))
  const keys: Int32Array[] = []
  table.expire(millisOf(1), (slot) => keys.push(keyOf(table, slot)))
  expect(keys).toEqual([endpoint(5)])
})

test.each([0, -1, 1.5, Number.NaN, 2 ** 24 + 1])('refuses a capacity of %d', (capacity) => {
  expect(() => new EndpointTable(capacity)).toThrow(RangeError)
})

test('holds the same under any key', () => {
  const table = new EndpointTable(IDS, [0x12345678, -1])
  const slots = Array.from({ length: IDS }, (_, id) => table.insert(endpoint(id), 0, 0, millisOf(0)))
  expect(slots.map((_, id) => table.find(endpoint(id), 0, 0))).toEqual(slots)
})

test('behaves like a plain map with a list, whatever is done to it', () => {
  const id = fc.nat(IDS - 1)
  const elapsed = fc.nat(500)
  const commands = fc.commands(
    [
      fc.tuple(id, elapsed).map((args) => insert(...args)),
      fc.tuple(id, elapsed).map((args) => touch(...args)),
      id.map(remove),
      fc.tuple(fc.nat(3_000), fc.integer({ min: 1, max: 6 })).map((args) => expire(...args)),
    ],
    { maxCommands: 100, size: 'max' },
  )
  const run = fc.property(fc.integer({ min: 1, max: 16 }), commands, (capacity, list) => {
    fc.modelRun(() => ({ model: new Model(capacity), real: new EndpointTable(capacity) }), list)
  })
  fc.assert(run, { numRuns: 60 })
})

/** How many endpoints the model knows: more than fit its tables. */
const IDS = 24
const SCOPE = 3

interface Entry {
  readonly slot: number
  activity: number
}

/** The naive table: a map in the order of activity. */
class Model {
  readonly entryById = new Map<number, Entry>()
  readonly capacity: number
  now = 0

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get tick(): number {
    return Math.ceil(this.now / 1_000) * 1_000
  }

  touch(id: number, entry: Entry): void {
    if (this.tick === entry.activity) return
    entry.activity = this.tick
    this.entryById.delete(id)
    this.entryById.set(id, entry)
  }
}

function insert(id: number, elapsed: number) {
  return command(`insert(${id}) after ${elapsed}`, (model, real) => {
    model.now += elapsed
    const slot = real.insert(endpoint(id), 0, SCOPE, millisOf(model.now))
    const known = model.entryById.get(id)
    if (known !== undefined) {
      expect(slot).toBe(known.slot)
      model.touch(id, known)
    } else if (model.entryById.size === model.capacity) {
      expect(slot).toBe(-1)
    } else {
      expect([...model.entryById.values()].map((entry) => entry.slot)).not.toContain(slot)
      expect(slot).toBeLessThan(model.capacity)
      model.entryById.set(id, { slot, activity: model.tick })
    }
  })
}

function touch(id: number, elapsed: number) {
  return command(`touch(${id}) after ${elapsed}`, (model, real) => {
    model.now += elapsed
    const entry = model.entryById.get(id)
    if (entry === undefined) return
    real.touch(entry.slot, millisOf(model.now))
    model.touch(id, entry)
  })
}

function remove(id: number) {
  return command(`remove(${id})`, (model, real) => {
    const entry = model.entryById.get(id)
    if (entry === undefined) return
    real.remove(entry.slot)
    model.entryById.delete(id)
  })
}

function expire(idle: number, limit: number) {
  return command(`expire(idle ${idle}, at most ${limit})`, (model, real) => {
    const olderThan = model.now - idle
    const due = [...model.entryById].filter(([, { activity }]) => activity < olderThan).slice(0, limit)
    const expired: number[] = []
    expect(real.expire(millisOf(olderThan), (slot) => expired.push(slot), limit)).toBe(due.length)
    expect(expired).toEqual(due.map(([, { slot }]) => slot))
    for (const [id] of due) model.entryById.delete(id)
  })
}

/** One step of a run, after which both tables must agree on everything that can be asked. */
function command(name: string, act: (model: Model, real: EndpointTable) => void) {
  const run = (model: Model, real: EndpointTable) => {
    act(model, real)
    const known = CROWD.map((words) => real.find(words, 0, SCOPE))
    expect(known).toEqual(CROWD.map((_, id) => model.entryById.get(id)?.slot ?? -1))
    expect(real.size).toBe(model.entryById.size)
    const entries = [...model.entryById].map(([id, entry]) => ({ words: endpoint(id), ...entry }))
    expect(
      entries.map(({ slot }) => ({ words: keyOf(real, slot), activity: real.lastActivity(slot), slot })),
    ).toEqual(entries)
  }
  return { check: () => true, run, toString: () => name }
}

function keyOf(table: EndpointTable, slot: number): Int32Array {
  const words = new Int32Array(ENDPOINT_WORDS)
  table.keyOf(slot, words, 0)
  return words
}

/** Endpoints whose hashes all end in 11110, 11111 or 00000: they crowd at the wrap of every small table. */
const CROWD = Array.from(
  { length: 1_000 },
  (_, i) => new Int32Array([0, 0, 0xffff, 0x0a000000 | i, 3478]),
).filter((words) => ((halfSipHash(words, 0, ENDPOINT_WORDS, SCOPE, 0, 0) + 2) & 31) < 3)

function endpoint(id: number): Int32Array {
  return CROWD[id] ?? new Int32Array(ENDPOINT_WORDS)
}
