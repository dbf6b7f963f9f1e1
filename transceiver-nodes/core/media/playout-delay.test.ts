import { describe, expect, test } from 'vitest'
import { millisOf } from '#shared/time'
import { FRAME_MILLIS } from './pacer.ts'
import { DELAY_BOUNDS, PlayoutDelay } from './playout-delay.ts'

describe('PlayoutDelay', () => {
  test('falls to its least on a network without jitter, whatever the sender calls its time', () => {
    const delay = new PlayoutDelay()
    arrive(delay, 300, () => 0, 4_000_000)
    expect(delay.targetMillis).toBe(DELAY_BOUNDS.minMillis)
    expect(delay.dueAt(4_000_000 + 300 * FRAME_MILLIS)).toBeCloseTo(300 * FRAME_MILLIS + 20, 6)
  })

  test('covers all but one or two in two hundred of the packets', () => {
    const delay = new PlayoutDelay()
    arrive(delay, 400, (packet) => (packet * 37) % 100)
    expect(delay.targetMillis).toBeGreaterThanOrEqual(98)
    expect(delay.targetMillis).toBeLessThanOrEqual(99)
  })

  test('grows within a tenth of a second and shrinks in some seconds', () => {
    const delay = new PlayoutDelay()
    arrive(delay, 200, () => 0)
    for (let packet = 200; packet < 205; packet++) arriveAt(delay, packet, 120)
    expect(delay.targetMillis).toBe(120)
    for (let packet = 205; packet < 450; packet++) arriveAt(delay, packet, 0)
    expect(delay.targetMillis).toBe(120)
    for (let packet = 450; packet < 550; packet++) arriveAt(delay, packet, 0)
    expect(delay.targetMillis).toBeGreaterThan(90)
    expect(delay.targetMillis).toBeLessThan(120)
    for (let packet = 550; packet < 1_050; packet++) arriveAt(delay, packet, 0)
    expect(delay.targetMillis).toBe(DELAY_BOUNDS.minMillis)
  })

  test('never goes beyond its bounds', () => {
    const delay = new PlayoutDelay()
    arrive(delay, 300, (packet) => (packet % 2) * 900)
    expect(delay.targetMillis).toBe(DELAY_BOUNDS.maxMillis)
    const fixed = new PlayoutDelay({ minMillis: 60, maxMillis: 60 })
    arrive(fixed, 300, (packet) => (packet * 37) % 100)
    expect(fixed.targetMillis).toBe(60)
  })

  test('follows a way that became longer or shorter for good', () => {
    const delay = new PlayoutDelay()
    for (const transit of [0, 300, 50]) {
      for (let packet = 0; packet < 1_500; packet++) arriveAt(delay, packet, transit)
      expect(delay.targetMillis).toBe(DELAY_BOUNDS.minMillis)
      expect(delay.dueAt(0)).toBeCloseTo(transit + 20, 6)
    }
  })

  test('begins anew when the clock of the sender jumps', () => {
    const delay = new PlayoutDelay()
    arrive(delay, 200, () => 0)
    arrive(delay, 1, () => 0, 3_600_000)
    expect(delay.targetMillis).toBe(40)
    expect(delay.dueAt(3_600_000)).toBe(40)
  })

  test.each([-300, 300])('keeps its delay for an hour while the clocks differ by %i ppm', (ppm) => {
    const delay = new PlayoutDelay()
    let worst = 0
    for (let packet = 0; packet < 180_000; packet++) {
      const now = packet * FRAME_MILLIS * (1 + ppm / 1e6)
      delay.handleArrival(packet * FRAME_MILLIS, millisOf(now + ((packet * 37) % 30)))
      if (packet > 500) worst = Math.max(worst, Math.abs(delay.dueAt(packet * FRAME_MILLIS) - now - 29))
    }
    expect(worst).toBeLessThan(3)
  })

  test('refuses bounds that are none', () => {
    expect(() => new PlayoutDelay({ minMillis: 60, maxMillis: 20 })).toThrow(RangeError)
    expect(() => new PlayoutDelay({ minMillis: Number.NaN, maxMillis: 20 })).toThrow(RangeError)
  })
})

/** Packets with successive timestamps, from `media` on, each held up by `lateness`. */
function arrive(delay: PlayoutDelay, packets: number, lateness: (packet: number) => number, media = 0): void {
  for (let packet = 0; packet < packets; packet++) {
    const now = packet * FRAME_MILLIS + lateness(packet)
    delay.handleArrival(media + packet * FRAME_MILLIS, millisOf(now))
  }
}

function arriveAt(delay: PlayoutDelay, packet: number, lateness: number): void {
  delay.handleArrival(packet * FRAME_MILLIS, millisOf(packet * FRAME_MILLIS + lateness))
}
