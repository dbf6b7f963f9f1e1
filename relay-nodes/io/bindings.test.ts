import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Client } from '#shared/endpoint'
import { readClient } from '#shared/endpoint'
import type { BindingStore } from '#shared/platform/binding-store'
import { epochNow } from '#shared/platform/clock'
import { openLog } from '#shared/platform/log'
import { epochSecondsOf } from '#shared/time'
import type { EpochSeconds } from '#shared/time'
import { bindingField, bindingValue } from '../core/binding-row.ts'
import {
  FLOW_ABSENT,
  FLOW_BOUND,
  FLOW_FOUND,
  FLOW_UNBOUND,
  FLOW_WANTED,
  FlowRecords,
  RECORD_CLIENT,
  RECORD_ROUTE,
  RECORD_WORDS,
} from '../core/flow-records.ts'
import { routeWord } from '../core/upstreams.ts'
import { clientWords } from '../test-packets.ts'
import { READ_BURST, READS_PER_SECOND } from './binding-reader.ts'
import { BINDING_SECONDS, MAX_FIELDS, REMOVE_INTERVAL, WRITE_INTERVAL } from './binding-writer.ts'
import { Bindings } from './bindings.ts'

const client: Client = { address: '198.51.100.7', port: 50_000, listener: 0, transport: 'udp' }
const other: Client = { ...client, address: '2001:db8::7', listener: 1 }
const route = routeWord(1, 7)
const FIELD = bindingField(clientWords(client), 0)

let store: FakeStore
let bindings: Bindings
let logged: string[]

beforeEach(() => {
  vi.useFakeTimers()
  store = new FakeStore()
  logged = []
  const log = openLog({ write: (line) => logged.push(line) })
  bindings = new Bindings({ store, maxFlows: 64, hashKey: [1, 2], log })
})

afterEach(async () => {
  const stopped = bindings.stop()
  await vi.runAllTimersAsync()
  await stopped
  vi.useRealTimers()
})

describe('rows', () => {
  test('are written together, a second later at most, to hold for two hours', async () => {
    tell(FLOW_BOUND, client, route)
    tell(FLOW_BOUND, other, routeWord(4_095, 2 ** 20 - 1))
    expect(store.commands).toEqual([])
    await vi.advanceTimersByTimeAsync(WRITE_INTERVAL)
    expect(store.commands).toEqual(['write 2'])
    const expiry = inSeconds(BINDING_SECONDS)
    expect([...store.rows]).toEqual([
      [FIELD, bindingValue(route, expiry)],
      [bindingField(clientWords(other), 0), bindingValue(-1, expiry)],
    ])
    await vi.advanceTimersByTimeAsync(10 * WRITE_INTERVAL)
    expect(store.commands).toHaveLength(1)
  })

  test('are removed together, a minute later at most', async () => {
    for (const each of [client, other]) tell(FLOW_BOUND, each, route)
    await vi.advanceTimersByTimeAsync(WRITE_INTERVAL)
    for (const each of [client, other]) tell(FLOW_UNBOUND, each)
    await vi.advanceTimersByTimeAsync(REMOVE_INTERVAL + WRITE_INTERVAL)
    expect(store.commands).toEqual(['write 2', 'remove 2'])
    expect(store.rows.size).toBe(0)
  })

  test('follow the last word about a client', async () => {
    tell(FLOW_UNBOUND, client)
    tell(FLOW_BOUND, client, route)
    tell(FLOW_BOUND, other, route)
    tell(FLOW_UNBOUND, other)
    await vi.advanceTimersByTimeAsync(REMOVE_INTERVAL + WRITE_INTERVAL)
    expect(store.commands).toEqual(['write 1', 'remove 1'])
    expect([...store.rows.keys()]).toEqual([FIELD])
  })

  test('go in commands of bounded size, one a second', async () => {
    for (let i = 0; i < MAX_FIELDS + 1; i++) tell(FLOW_BOUND, flood(i), route)
    await vi.advanceTimersByTimeAsync(WRITE_INTERVAL)
    expect(store.commands).toEqual([`write ${MAX_FIELDS}`])
    await vi.advanceTimersByTimeAsync(WRITE_INTERVAL)
    expect(store.commands).toEqual([`write ${MAX_FIELDS}`, 'write 1'])
  })

  test('wait while the store is down, the latest word winning, and say so once', async () => {
    store.isDown = true
    tell(FLOW_BOUND, client, route)
    tell(FLOW_BOUND, other, route)
    await vi.advanceTimersByTimeAsync(5 * WRITE_INTERVAL)
    tell(FLOW_UNBOUND, other)
    tell(FLOW_BOUND, client, routeWord(2, 8))
    store.isDown = false
    await vi.advanceTimersByTimeAsync(WRITE_INTERVAL)
    expect([...store.rows]).toEqual([[FIELD, bindingValue(routeWord(2, 8), inSeconds(BINDING_SECONDS))]])
    expect(logged).toHaveLength(2)
    expect(logged.join()).not.toContain(FIELD)
    expect(bindings.writer.failures).toBe(5)
  })

  test('that wait are sent when the process ends', async () => {
    tell(FLOW_BOUND, client, route)
    await bindings.stop()
    expect(store.commands).toEqual(['write 1'])
  })
})

describe('a look-up', () => {
  test('of a flow of this process costs no command', () => {
    tell(FLOW_BOUND, client, route)
    expect(ask(client)).toEqual([[{ kind: FLOW_FOUND, client, route }]])
    tell(FLOW_UNBOUND, client)
    expect(ask(client)).toEqual([[{ kind: FLOW_ABSENT, client, route: 0 }]])
    expect(store.commands).toEqual([])
  })

  test('finds what another process has written, and nothing that has expired or makes no sense', async () => {
    const expired = { ...client, port: 1 }
    const broken = { ...client, port: 2 }
    const absent = { ...client, port: 3 }
    store.put(client, bindingValue(route, inSeconds(1)))
    store.put(expired, bindingValue(route, inSeconds(0)))
    store.put(broken, 'nonsense')
    const answers = ask(client, expired, broken, absent)
    await vi.advanceTimersByTimeAsync(0)
    expect(store.commands).toEqual(['read 4'])
    expect(answers).toEqual([
      [
        { kind: FLOW_FOUND, client, route },
        { kind: FLOW_ABSENT, client: expired, route: 0 },
        { kind: FLOW_ABSENT, client: broken, route: 0 },
        { kind: FLOW_ABSENT, client: absent, route: 0 },
      ],
    ])
  })

  test('waits for the read that is under way, and goes with all others that came meanwhile', async () => {
    store.latency = 5
    const answers = [ask(flood(0)), ask(flood(1)), ask(flood(2), flood(3))]
    await vi.advanceTimersByTimeAsync(5)
    expect(store.commands).toEqual(['read 1', 'read 3'])
    await vi.advanceTimersByTimeAsync(5)
    expect(answers.map((batches) => batches.flat().length)).toEqual([1, 1, 2])
  })

  test('answers each thread about its own flows', async () => {
    store.put(other, bindingValue(route, inSeconds(1)))
    const [first, second] = [ask(client), ask(other)]
    await vi.advanceTimersByTimeAsync(0)
    expect(first.flat()).toEqual([{ kind: FLOW_ABSENT, client, route: 0 }])
    expect(second.flat()).toEqual([{ kind: FLOW_FOUND, client: other, route }])
  })

  test('ends without a flow when the store is down', async () => {
    store.isDown = true
    const answers = ask(client)
    await vi.advanceTimersByTimeAsync(0)
    expect(answers.flat()).toEqual([{ kind: FLOW_ABSENT, client, route: 0 }])
    store.isDown = false
    store.put(client, bindingValue(route, inSeconds(1)))
    const again = ask(client)
    await vi.advanceTimersByTimeAsync(0)
    expect(again.flat()).toEqual([{ kind: FLOW_FOUND, client, route }])
    expect(logged).toHaveLength(2)
  })

  test('of a flood is cheap: a burst of reads, and few in the long run', async () => {
    const seconds = 30
    for (let i = 0; i < seconds * 100; i++) {
      ask(flood(i))
      await vi.advanceTimersByTimeAsync(10)
    }
    const cap = READ_BURST + READS_PER_SECOND * seconds
    expect(store.commands.length).toBeGreaterThan(cap - 3)
    expect(store.commands.length).toBeLessThanOrEqual(cap)
  })
})

describe('reading every row', () => {
  test('gives the flows that hold, and has the others removed', async () => {
    store.put(client, bindingValue(route, inSeconds(1)))
    store.put(other, bindingValue(route, inSeconds(0)))
    store.rows.set('nonsense', 'nonsense')
    expect(recordsOf(await bindings.readAll())).toEqual([{ kind: FLOW_FOUND, client, route }])
    await vi.advanceTimersByTimeAsync(REMOVE_INTERVAL + WRITE_INTERVAL)
    expect([...store.rows.keys()]).toEqual([FIELD])
    expect(store.commands).toEqual(['readAll', 'remove 2'])
  })

  test('does not remove a row that is about to be written anew', async () => {
    store.put(client, bindingValue(route, inSeconds(0)))
    tell(FLOW_BOUND, client, route)
    await bindings.readAll()
    await vi.advanceTimersByTimeAsync(REMOVE_INTERVAL + WRITE_INTERVAL)
    expect(store.rows.size).toBe(1)
  })

  test('gives none when the store is down', async () => {
    store.isDown = true
    expect(await bindings.readAll()).toHaveLength(0)
  })

  test('comes again every two hours, so that what nobody removed goes', async () => {
    store.put(client, bindingValue(route, inSeconds(1)))
    await vi.advanceTimersByTimeAsync(BINDING_SECONDS * 1_000 + REMOVE_INTERVAL)
    expect(store.commands).toEqual(['readAll', 'remove 1'])
  })
})

/** Rows in memory, and what was asked of them. */
class FakeStore implements BindingStore {
  readonly rows = new Map<string, string>()
  readonly commands: string[] = []
  isDown = false
  latency = 0

  put(of: Client, value: string): void {
    this.rows.set(bindingField(clientWords(of), 0), value)
  }

  async write(rows: ReadonlyMap<string, string>): Promise<void> {
    await this.#note(`write ${rows.size}`)
    for (const [field, value] of rows) this.rows.set(field, value)
  }

  async remove(fields: readonly string[]): Promise<void> {
    await this.#note(`remove ${fields.length}`)
    for (const field of fields) this.rows.delete(field)
  }

  async read(fields: readonly string[]): Promise<(string | null)[]> {
    await this.#note(`read ${fields.length}`)
    return fields.map((field) => this.rows.get(field) ?? null)
  }

  async readAll(): Promise<string[]> {
    await this.#note('readAll')
    return [...this.rows].flat()
  }

  async #note(command: string): Promise<void> {
    this.commands.push(command)
    if (this.latency > 0) await new Promise((resolve) => setTimeout(resolve, this.latency))
    if (this.isDown) throw new Error('down')
  }
}

function tell(kind: number, about: Client, to = 0): void {
  bindings.handleRecords(batch(kind, [about], to), () => expect.unreachable())
}

/** Asks as a thread would; what comes back is added to the list, batch by batch. */
function ask(...about: Client[]) {
  const answers: ReturnType<typeof recordsOf>[] = []
  bindings.handleRecords(batch(FLOW_WANTED, about, 0), (records) => answers.push(recordsOf(records)))
  return answers
}

function batch(kind: number, about: readonly Client[], to: number): Int32Array {
  const records = new FlowRecords(about.length)
  for (const each of about) records.push(kind, clientWords(each), 0, to)
  return records.take()
}

function recordsOf(records: Int32Array) {
  return Array.from({ length: records.length / RECORD_WORDS }, (_, i) => {
    const at = i * RECORD_WORDS
    const about = readClient(records, at + RECORD_CLIENT)
    return { kind: records[at], client: about, route: records[at + RECORD_ROUTE] }
  })
}

function inSeconds(seconds: number): EpochSeconds {
  return epochSecondsOf(epochNow() + seconds)
}

function flood(id: number): Client {
  return { ...client, address: `10.0.${id >> 8}.${id & 0xff}` }
}
