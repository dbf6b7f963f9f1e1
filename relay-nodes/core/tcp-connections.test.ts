import * as fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { readClient } from '#shared/endpoint'
import { millisOf } from '#shared/time'
import { clientWords } from '../test-packets.ts'
import { TCP_END_REASONS, TcpConnections } from './tcp-connections.ts'

const limits = { maxConnections: 4, maxPerSource: 3, answerTimeout: 5_000, idleTimeout: 60_000 }

let connections: TcpConnections
let ended: number[]

beforeEach(() => {
  ended = []
  connections = new TcpConnections(limits, [1, 2], (slot) => ended.push(slot))
})

describe('a connection', () => {
  test('is found by its client until it ends', () => {
    const slot = admit('192.0.2.1', 1, 0)
    expect(find('192.0.2.1', 1)).toBe(slot)
    expect(find('192.0.2.1', 2)).toBe(-1)
    connections.end(slot, 'client-closed')
    expect([find('192.0.2.1', 1), connections.size, ended]).toEqual([-1, 0, [slot]])
  })

  test('ends when no transceiver has answered its client in time', () => {
    const slot = admit('192.0.2.1', 1, 0)
    connections.handleTimeout(millisOf(4_999))
    expect([connections.size, connections.halfOpen]).toEqual([1, 1])
    connections.handleTimeout(millisOf(5_000))
    expect([connections.size, connections.halfOpen, ended]).toEqual([0, 0, [slot]])
    expect(ends()).toEqual({ 'half-open': 1 })
  })

  test('lives for as long as its client takes what a transceiver sends', () => {
    const slot = admit('192.0.2.1', 1, 0)
    for (let now = 1_000; now <= 300_000; now += 50_000) connections.handleDelivery(slot, millisOf(now))
    connections.handleTimeout(millisOf(251_000 + 59_999))
    expect([connections.size, connections.halfOpen]).toEqual([1, 0])
    connections.handleTimeout(millisOf(251_000 + 60_000))
    expect(connections.size).toBe(0)
    expect(ends()).toEqual({ idle: 1 })
  })

  test('replaces the one that its client had before', () => {
    const before = admit('192.0.2.1', 1, 0)
    connections.handleDelivery(before, millisOf(0))
    const after = admit('192.0.2.1', 1, 10)
    expect([find('192.0.2.1', 1), connections.size, connections.halfOpen]).toEqual([after, 1, 1])
    expect(ended).toEqual([before])
    expect(ends()).toEqual({ replaced: 1 })
  })

  test('that ends is told of while its client is still known', () => {
    const seen: number[] = []
    const words = clientWords({ address: '192.0.2.1', port: 1, transport: 'tcp' })
    const telling = new TcpConnections(limits, [1, 2], () => seen.push(telling.find(words, 0)))
    const slot = telling.admit(words, 0, millisOf(0))
    telling.handleTimeout(millisOf(5_000))
    expect([seen, telling.find(words, 0)]).toEqual([[slot], -1])
  })
})

describe('when all places are taken', () => {
  test('a newcomer gets that of the connection that is half-open the longest', () => {
    const slots = [1, 2, 3, 4].map((host) => admit(`192.0.2.${host}`, 1, host))
    connections.handleDelivery(slots[0]!, millisOf(5))
    expect(admit('192.0.2.5', 1, 6)).toBe(slots[1])
    expect([find('192.0.2.1', 1), find('192.0.2.2', 1)]).toEqual([slots[0], -1])
    expect(ends()).toEqual({ displaced: 1 })
  })

  test('those that were answered stay, and the newcomer is refused', () => {
    for (const host of [1, 2, 3, 4]) connections.handleDelivery(admit(`192.0.2.${host}`, 1, 0), millisOf(0))
    expect(admit('192.0.2.5', 1, 1)).toBe(-1)
    expect([connections.size, ended]).toEqual([4, []])
    expect(ends()).toEqual({ 'connections-full': 1 })
  })
})

describe('one source', () => {
  test.each([
    ['an IPv4 address', '192.0.2.1', '192.0.2.1', '192.0.2.2'],
    ['an IPv6 /56', '2001:db8:0:1100::1', '2001:db8:0:11ff:ffff::2', '2001:db8:0:1200::1'],
  ])('is %s, and has a share of the places', (_, one, same, other) => {
    for (const port of [1, 2]) admit(one, port, 0)
    expect(admit(same, 3, 0)).toBeGreaterThanOrEqual(0)
    expect(admit(same, 4, 0)).toBe(-1)
    expect(admit(other, 4, 0)).toBeGreaterThanOrEqual(0)
    expect(ends()).toEqual({ 'source-full': 1 })
  })

  test('has a place again when one of its connections ends', () => {
    const [first = -1] = [1, 2, 3].map((port) => admit('192.0.2.1', port, 0))
    connections.end(first, 'client-closed')
    expect(admit('192.0.2.1', 4, 0)).toBeGreaterThanOrEqual(0)
    expect(admit('192.0.2.1', 5, 0)).toBe(-1)
  })
})

describe('whatever comes', () => {
  const client = fc.record({
    address: fc.constantFrom(
      '192.0.2.1',
      '192.0.2.2',
      '2001:db8::1',
      '2001:db8:0:ff::1',
      '2001:db8:0:100::1',
    ),
    port: fc.integer({ min: 1, max: 4 }),
  })
  const event = fc.oneof(
    fc.record({ connect: client }),
    fc.record({ deliver: client }),
    fc.record({ close: client }),
    fc.record({ elapse: fc.constantFrom(1_000, 5_000, 60_000) }),
  )

  test('it does what a naive list of connections does, and accounts for every one', () => {
    const property = fc.property(fc.array(event, { maxLength: 80 }), (events) => {
      const clientBySlot: string[] = []
      const table = new TcpConnections(limits, [3, 4], (slot) => model.remove(clientBySlot[slot]!))
      const model = new Model()
      let now = millisOf(0)
      let admitted = 0
      for (const happening of events) {
        if ('elapse' in happening) {
          now = millisOf(now + happening.elapse)
          table.handleTimeout(now)
          expect(model.overdue(now)).toEqual([])
          continue
        }
        const { address, port } = Object.values(happening)[0]!
        const words = clientWords({ address, port, transport: 'tcp' })
        const name = `${address} ${port}`
        const slot = table.find(words, 0)
        expect(slot >= 0).toBe(model.has(name))
        if ('connect' in happening) {
          const isWelcome = model.admits(name, sourceOf(words))
          const got = table.admit(words, 0, now)
          expect(got >= 0).toBe(isWelcome)
          admitted++
          if (got < 0) continue
          clientBySlot[got] = name
          model.add(name, sourceOf(words), now)
        } else if (slot < 0) continue
        else if ('deliver' in happening) {
          table.handleDelivery(slot, now)
          model.deliver(name, now)
        } else table.end(slot, 'client-closed')
      }
      expect([table.size, table.halfOpen]).toEqual([model.size, model.halfOpen])
      const endings = TCP_END_REASONS.reduce((sum, reason) => sum + (table.endsByReason.get(reason) ?? 0), 0)
      expect(admitted).toBe(table.size + endings)
    })
    fc.assert(property, { numRuns: 300 })
  })
})

/** Connections in a list, each of which ends once. */
class Model {
  readonly #entries: { name: string; source: string; isHalfOpen: boolean; deadline: number }[] = []

  get size(): number {
    return this.#entries.length
  }

  get halfOpen(): number {
    return this.#entries.filter(({ isHalfOpen }) => isHalfOpen).length
  }

  has(name: string): boolean {
    return this.#entries.some((entry) => entry.name === name)
  }

  admits(name: string, source: string): boolean {
    const others = this.#entries.filter((entry) => entry.name !== name)
    if (others.filter((entry) => entry.source === source).length >= limits.maxPerSource) return false
    return others.length < limits.maxConnections || others.some(({ isHalfOpen }) => isHalfOpen)
  }

  add(name: string, source: string, now: number): void {
    this.#entries.push({ name, source, isHalfOpen: true, deadline: now + limits.answerTimeout })
  }

  deliver(name: string, now: number): void {
    for (const entry of this.#entries.filter((each) => each.name === name)) {
      entry.isHalfOpen = false
      entry.deadline = now + limits.idleTimeout
    }
  }

  remove(name: string): void {
    const at = this.#entries.findIndex((entry) => entry.name === name)
    if (at < 0) throw new Error(`${name} ended twice`)
    this.#entries.splice(at, 1)
  }

  overdue(now: number): string[] {
    return this.#entries.filter(({ deadline }) => deadline <= now).map(({ name }) => name)
  }
}

function sourceOf(words: Int32Array): string {
  const { address } = readClient(words, 0)
  return address.includes(':') ? `${words[0]} ${words[1]! >> 8}` : address
}

function admit(address: string, port: number, now: number): number {
  return connections.admit(clientWords({ address, port, transport: 'tcp' }), 0, millisOf(now))
}

function find(address: string, port: number): number {
  return connections.find(clientWords({ address, port, transport: 'tcp' }), 0)
}

/** The reasons that have occurred. */
function ends(): Record<string, number> {
  return Object.fromEntries([...connections.endsByReason].filter(([, count]) => count > 0))
}
