/** The jitter buffer on simulated networks, on a virtual clock. */

import { expect, test } from 'vitest'
import { millisOf } from '#shared/time'
import { simulateNetwork, TRANSIT_MILLIS } from '../../../tests/jittery-network.ts'
import type { NetworkOptions } from '../../../tests/jittery-network.ts'
import { JitterBuffer } from './jitter-buffer.ts'
import { FRAME_MILLIS } from './pacer.ts'
import type { DelayBounds } from './playout-delay.ts'

const HOUR_PACKETS = 3_600_000 / FRAME_MILLIS
const MINUTE_PACKETS = 60_000 / FRAME_MILLIS

test.each([-200, 100])('neither grows nor starves in an hour with a sender %i ppm slow', (driftPpm) => {
  const run = simulate(HOUR_PACKETS, { seed: 7, lossShare: 0.01, jitterMillis: 10, driftPpm })
  const late = run.delays.slice(-MINUTE_PACKETS)
  const early = run.delays.slice(MINUTE_PACKETS, 2 * MINUTE_PACKETS)
  // Half a frame is where the clocks stand to each other in that minute; they part by 18 frames and more.
  expect(Math.abs(mean(late) - mean(early))).toBeLessThan(FRAME_MILLIS / 2)
  expect(Math.max(...late)).toBeLessThan(80)
  expect(run.buffer.overflowed).toBe(0)
  expect(run.missing).toBe(HOUR_PACKETS - run.arrived + run.buffer.late)
  expect(run.missing / HOUR_PACKETS).toBeLessThan(0.02)
})

test('plays or gives up every packet, whatever the network', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const options = { seed, lossShare: (seed % 5) / 20, jitterMillis: (seed * 13) % 90 }
    const { buffer, delays, missing, arrived } = simulate(500, options)
    expect(delays.length).toBe(arrived - buffer.late)
    // After the last packet that came nothing is known to be missing.
    expect(missing).toBeLessThanOrEqual(500 - arrived + buffer.late)
    expect(buffer.lost).toBe(missing)
  }
})

test('loses less than a fixed delay where jitter is large, and waits less where it is small', () => {
  const fixed = { minMillis: 60, maxMillis: 60 }
  const rough = { seed: 3, lossShare: 0, jitterMillis: 50 }
  const smooth = { seed: 3, lossShare: 0, jitterMillis: 4 }
  expect(simulate(3_000, rough).missing).toBeLessThan(simulate(3_000, rough, fixed).missing / 3)
  expect(mean(simulate(3_000, smooth).delays)).toBeLessThan(mean(simulate(3_000, smooth, fixed).delays) - 25)
  expect(simulate(3_000, smooth).missing).toBe(0)
})

function simulate(packets: number, options: NetworkOptions, bounds?: DelayBounds) {
  const buffer = new JitterBuffer(48_000, bounds)
  const arrivals = simulateNetwork(packets, options)
  const payload = new Uint8Array(2)
  const delays: number[] = []
  let missing = 0
  let next = 0
  const end = (arrivals.at(-1)?.arrivesAt ?? 0) + 1000
  for (let now = 0; now < end; now += FRAME_MILLIS) {
    for (let arrival = arrivals[next]; arrival !== undefined && arrival.arrivesAt <= now;) {
      const { index, arrivesAt } = arrival
      const timestamp = (index * 960 + 0xfff0_0000) >>> 0
      const packet = { sequence: index & 0xffff, timestamp, ssrc: 1, payloadStart: 0, payloadLength: 2 }
      buffer.push(packet, payload, FRAME_MILLIS, millisOf(arrivesAt))
      arrival = arrivals[++next]
    }
    for (let popped = buffer.pop(millisOf(now)); popped !== 'empty'; popped = buffer.pop(millisOf(now))) {
      const index = ((buffer.timestamp - 0xfff0_0000) >>> 0) / 960
      if (popped === 'missing') missing++
      else delays.push(now - index * FRAME_MILLIS * (1 + (options.driftPpm ?? 0) / 1e6) - TRANSIT_MILLIS)
    }
  }
  return { buffer, delays, missing, arrived: arrivals.length }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
