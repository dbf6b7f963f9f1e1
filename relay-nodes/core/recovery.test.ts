import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Client } from '#shared/endpoint'
import { readClient } from '#shared/endpoint'
import { millisOf } from '#shared/time'
import { clientWords } from '../test-packets.ts'
import { COUNTERS, FLOW_RECORDS_LOST, LOOKUPS, LOOKUPS_ABSENT, LOOKUPS_UNANSWERED } from './counters.ts'
import {
  FLOW_BOUND,
  FLOW_UNBOUND,
  FLOW_WANTED,
  RECORD_CLIENT,
  RECORD_ROUTE,
  RECORD_WORDS,
} from './flow-records.ts'
import { ASK_AGAIN_AFTER, MAX_OUTBOX, MAX_OUTSTANDING, MAX_REMEMBERED, Recovery } from './recovery.ts'

const client: Client = { address: '192.0.2.1', port: 50_000, listener: 1, transport: 'udp' }
const other: Client = { address: '2001:db8::2', port: 50_000, listener: 0, transport: 'udp' }

describe('a packet in the middle of an unknown flow', () => {
  test('has the flow asked about, once', () => {
    const rig = new Rig()
    expect([rig.miss(client), rig.miss(client), rig.miss(other)]).toEqual([true, true, true])
    expect(rig.take()).toEqual([
      { kind: FLOW_WANTED, client, route: 0 },
      { kind: FLOW_WANTED, client: other, route: 0 },
    ])
    expect(rig.miss(client)).toBe(true)
    expect(rig.recovery.hasRecords).toBe(false)
  })

  test('does not have a flow asked about again that nobody knows, for a while', () => {
    const rig = new Rig()
    rig.miss(client)
    rig.take()
    rig.answer(client, false)
    rig.elapse(ASK_AGAIN_AFTER - 2_000)
    expect(rig.miss(client)).toBe(false)
    rig.elapse(4_000)
    expect(rig.miss(client)).toBe(true)
    expect(rig.counters[LOOKUPS_ABSENT]).toBe(1)
  })

  test('has the flow asked about again when nobody answers', () => {
    const rig = new Rig()
    rig.miss(client)
    rig.elapse(ASK_AGAIN_AFTER + 2_000)
    rig.take()
    expect(rig.miss(client)).toBe(true)
    expect(rig.take()).toHaveLength(1)
    expect(rig.counters[LOOKUPS_UNANSWERED]).toBe(1)
  })

  test('has the flow asked about again once it was found and lost', () => {
    const rig = new Rig()
    rig.miss(client)
    rig.take()
    rig.answer(client, true)
    expect(rig.miss(client)).toBe(true)
    expect(rig.counters[LOOKUPS]).toBe(2)
  })

  test('is nobody’s business on TCP', () => {
    const rig = new Rig()
    expect(rig.miss({ ...client, transport: 'tcp' })).toBe(false)
    rig.recovery.handleBound(clientWords({ ...client, transport: 'tcp' }), 0, 1)
    rig.recovery.handleUnbound(clientWords({ ...client, transport: 'tcp' }), 0)
    expect(rig.recovery.hasRecords).toBe(false)
  })
})

describe('flows bound and unbound', () => {
  test('are told of in order, between the questions', () => {
    const rig = new Rig()
    rig.recovery.handleBound(clientWords(client), 0, 7)
    rig.miss(other)
    rig.recovery.handleUnbound(clientWords(client), 0)
    expect(rig.take().map(({ kind, route }) => [kind, route])).toEqual([
      [FLOW_BOUND, 7],
      [FLOW_WANTED, 0],
      [FLOW_UNBOUND, 0],
    ])
  })

  test('are lost, and said to be, when nobody takes the records', () => {
    const rig = new Rig()
    for (let i = 0; i < MAX_OUTBOX; i++) expect(rig.recovery.handleBound(flood(i), 0, 7)).toBe(true)
    expect(rig.recovery.handleBound(flood(MAX_OUTBOX), 0, 7)).toBe(false)
    expect(rig.miss(client)).toBe(false)
    expect(rig.counters[FLOW_RECORDS_LOST]).toBe(1)
    expect(rig.take()).toHaveLength(MAX_OUTBOX)
    expect(rig.miss(client)).toBe(true)
  })
})

describe('a flood of made-up sources', () => {
  test('has a bounded number of flows asked about at once', () => {
    const rig = new Rig()
    let asked = 0
    for (let i = 0; i < 100_000; i++) asked += Number(rig.recovery.handleMiss(flood(i), 0))
    expect(asked).toBe(MAX_OUTSTANDING)
    expect(rig.take()).toHaveLength(MAX_OUTSTANDING)
    expect(rig.miss(client)).toBe(false)
    rig.recovery.handleAnswer(flood(0), 0, false, rig.now)
    expect(rig.miss(client)).toBe(true)
  })

  test('makes the longest remembered give way, and asks on', () => {
    const rig = new Rig()
    for (let i = 0; i < MAX_REMEMBERED + 10; i++) {
      expect(rig.recovery.handleMiss(flood(i), 0)).toBe(true)
      if (i % 100 === 99) rig.take()
      rig.recovery.handleAnswer(flood(i), 0, false, rig.now)
    }
    expect(rig.recovery.handleMiss(flood(MAX_REMEMBERED + 9), 0)).toBe(false)
    expect(rig.recovery.handleMiss(flood(0), 0)).toBe(true)
  })
})

test('asks as a naive model does', () => {
  const source = fc.integer({ min: 0, max: 5 })
  const happening = fc.oneof(
    { weight: 6, arbitrary: fc.record({ miss: source }) },
    { weight: 3, arbitrary: fc.record({ answer: source, isFound: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ elapse: fc.integer({ min: 1, max: 8 }) }) },
    { weight: 1, arbitrary: fc.constant('take' as const) },
  )
  const agrees = fc.property(fc.array(happening, { maxLength: 80 }), (happenings) => {
    const rig = new Rig()
    const model = new Model()
    for (const event of happenings) {
      if (event === 'take') expect(rig.take().length).toBe(model.take())
      else if ('miss' in event)
        expect(rig.recovery.handleMiss(flood(event.miss), 0)).toBe(model.miss(event.miss))
      else if ('answer' in event) {
        rig.recovery.handleAnswer(flood(event.answer), 0, event.isFound, rig.now)
        model.answer(event.answer, event.isFound)
      } else {
        rig.elapse(event.elapse * 1_000)
        model.elapse(event.elapse * 1_000)
      }
    }
  })
  fc.assert(agrees, { numRuns: 500 })
})

/** Flows by state, with no bounds that six of them could reach. */
class Model {
  readonly #flows = new Map<number, { isAsked: boolean; since: number }>()
  #now = 0
  #untaken = 0

  miss(id: number): boolean {
    const known = this.#flows.get(id)
    if (known !== undefined) return known.isAsked
    this.#flows.set(id, { isAsked: true, since: this.#now })
    this.#untaken++
    return true
  }

  answer(id: number, isFound: boolean): void {
    const known = this.#flows.get(id)
    if (isFound) this.#flows.delete(id)
    else if (known?.isAsked === true) this.#flows.set(id, { isAsked: false, since: this.#now })
  }

  elapse(duration: number): void {
    this.#now += duration
    for (const [id, { since }] of this.#flows) {
      if (since < this.#now - ASK_AGAIN_AFTER) this.#flows.delete(id)
    }
  }

  take(): number {
    const taken = this.#untaken
    this.#untaken = 0
    return taken
  }
}

class Rig {
  now = millisOf(0)
  readonly counters = new Float64Array(COUNTERS)
  readonly recovery = new Recovery([1, 2], this.counters, this.now)

  miss(from: Client): boolean {
    return this.recovery.handleMiss(clientWords(from), 0)
  }

  answer(about: Client, isFound: boolean): void {
    this.recovery.handleAnswer(clientWords(about), 0, isFound, this.now)
  }

  elapse(duration: number): void {
    this.now = millisOf(this.now + duration)
    this.recovery.handleTimeout(this.now)
  }

  take(): { kind: number | undefined; client: Client; route: number | undefined }[] {
    const records = this.recovery.takeRecords()
    return Array.from({ length: records.length / RECORD_WORDS }, (_, i) => {
      const at = i * RECORD_WORDS
      const about = readClient(records, at + RECORD_CLIENT)
      return { kind: records[at], client: about, route: records[at + RECORD_ROUTE] }
    })
  }
}

/** The words of one of many IPv4 sources, made without the cost of a text. */
function flood(id: number): Int32Array {
  return Int32Array.of(0, 0, 0xffff, id, 50_000)
}
