/**
 * Handshakes over a network that loses, repeats and reorders.
 *
 * OpenSSL's retransmission timer reads the wall clock and cannot be told another, so these wait in real time: for
 * `pollTimeout`, as the owner of an endpoint does, with a first timeout of 80 ms and several handshakes side by side.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { monotonicNow } from '#shared/platform/clock'
import { closePair, openPair } from './test-network.ts'
import type { TestPeer } from './test-network.ts'

test('a handshake survives the loss of any one datagram', async () => {
  const lost = [0, 1, 2, 3]
  const handshakes = await Promise.all(
    lost.map((n) => handshakeThrough((_, count) => (count === n ? [] : [0]))),
  )
  for (const { pair, datagrams } of handshakes) {
    expectConnected(pair)
    expect(datagrams).toBeGreaterThan(4)
    closePair(pair)
  }
})

test('a handshake survives 20 % loss, with repeats and reordering, for every seed', async () => {
  // A few side by side: so many that one round of all takes longer than the timeout would give up for want of CPU.
  for (let first = 0; first < 40; first += 4) {
    const seeds = Array.from({ length: 4 }, (_, index) => first + index)
    const handshakes = await Promise.all(seeds.map((seed) => handshakeThrough(lossyFate(seededRandom(seed)))))
    for (const { pair } of handshakes) {
      expectConnected(pair)
      closePair(pair)
    }
  }
}, 60_000)

/** Loses a fifth; of the rest, once or twice, each time now or after what comes next. */
function lossyFate(random: () => number): Fate {
  return () => {
    if (random() < 0.2) return []
    return random() < 0.2 ? [0, random() < 0.5 ? 1 : 0] : [random() < 0.2 ? 1 : 0]
  }
}

/** Says when each copy of a datagram arrives, in rounds from now; none at all: it is lost. */
type Fate = (datagram: Uint8Array, count: number) => readonly number[]

interface Pair {
  readonly client: TestPeer
  readonly server: TestPeer
}

/** Runs a handshake and then the clock, until both ends are connected and silent or one has ended. */
async function handshakeThrough(fate: Fate): Promise<{ pair: Pair; datagrams: number }> {
  const pair = openPair({ firstRetransmit: 80 }, { firstRetransmit: 80 })
  const delayed: { to: TestPeer; datagram: Uint8Array; rounds: number }[] = []
  let datagrams = 0
  pair.client.endpoint.start()
  while (!isOver(pair)) {
    for (const [from, to] of [
      [pair.client, pair.server],
      [pair.server, pair.client],
    ] as const) {
      for (const datagram of from.outbox.splice(0)) {
        for (const rounds of fate(datagram, datagrams)) delayed.push({ to, datagram, rounds })
        datagrams++
      }
    }
    for (const entry of delayed.splice(0)) {
      if (entry.rounds > 0) delayed.push({ ...entry, rounds: entry.rounds - 1 })
      else entry.to.endpoint.handleDatagram(entry.datagram, 0, entry.datagram.length)
    }
    const isSilent = delayed.length + pair.client.outbox.length + pair.server.outbox.length === 0
    if (isSilent && !isOver(pair)) await passTime(pair)
  }
  return { pair, datagrams }
}

/** Waits for the next timeout of either end and handles it. */
async function passTime({ client, server }: Pair): Promise<void> {
  const dueAt = Math.min(client.endpoint.pollTimeout() ?? Infinity, server.endpoint.pollTimeout() ?? Infinity)
  expect(dueAt).toBeLessThan(Infinity)
  await sleep(Math.max(dueAt - monotonicNow(), 0))
  client.endpoint.handleTimeout()
  server.endpoint.handleTimeout()
}

function isOver({ client, server }: Pair): boolean {
  return (
    (client.connections.length === 1 && server.connections.length === 1) ||
    client.endings.length + server.endings.length > 0
  )
}

function expectConnected({ client, server }: Pair): void {
  expect(client.endings.concat(server.endings)).toEqual([])
  expect(client.connections.at(0)?.localKey).toEqual(server.connections.at(0)?.remoteKey)
}

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    const once = Math.imul(state ^ (state >>> 15), 1 | state)
    const twice = once ^ (once + Math.imul(once ^ (once >>> 7), 61 | once))
    return ((twice ^ (twice >>> 14)) >>> 0) / 2 ** 32
  }
}
