import fc from 'fast-check'
import { expect, test } from 'vitest'
import { millisOf } from '#shared/time'
import { Reception } from './reception.ts'

const at = (millis: number) => millisOf(millis)

test('reports nothing lost for a stream that arrives whole, across a sequence wrap', () => {
  const reception = new Reception(7, 48_000)
  for (let i = 0; i < 200; i++) reception.handlePacket((65_500 + i) & 0xffff, (i * 960) >>> 0, at(i * 20))
  expect(reception.report(at(4000))).toEqual({
    ssrc: 7,
    fractionLost: 0,
    packetsLost: 0,
    highestSequence: 0x10000 + ((65_500 + 199) & 0xffff),
    jitter: 0,
    lastSenderReport: 0,
    delaySinceLastSenderReport: 0,
  })
})

test('reports the fraction lost in the interval and the total since the start', () => {
  const reception = new Reception(7, 48_000)
  for (let i = 0; i < 100; i++) if (i % 4 !== 1) reception.handlePacket(i, i * 960, at(i * 20))
  expect(reception.report(at(2000))).toMatchObject({ fractionLost: 64, packetsLost: 25 })
  for (let i = 100; i < 200; i++) reception.handlePacket(i, i * 960, at(i * 20))
  expect(reception.report(at(4000))).toMatchObject({ fractionLost: 0, packetsLost: 25 })
})

test('counts what is missing whatever the order of arrival', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 400 }), { minLength: 1 }), (sequences) => {
      const reception = new Reception(1, 48_000)
      reception.handlePacket(0, 0, at(0))
      for (const sequence of sequences) reception.handlePacket(sequence, sequence * 960, at(sequence))
      expect(reception.lost).toBe(Math.max(...sequences) - sequences.length)
    }),
  )
})

test('smooths the jitter of arrivals that alternate between early and late, also when the timestamp wraps', () => {
  const reception = new Reception(1, 48_000)
  for (let i = 0; i < 2000; i++) {
    reception.handlePacket(i & 0xffff, (2 ** 32 - 960_000 + i * 960) % 2 ** 32, at(i * 20 + (i % 2) * 5))
  }
  expect(reception.jitterMillis).toBeCloseTo(5, 1)
})

test('keeps the jitter within what a report can say, however the timestamps leap', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 200, maxLength: 400 }),
      (leaps) => {
        const reception = new Reception(1, 48_000)
        for (const [i, leap] of leaps.entries()) reception.handlePacket(i, leap, at(i * 20))
        const { jitter } = reception.report(at(8_000))
        expect(jitter).toBeGreaterThanOrEqual(0)
        expect(jitter).toBeLessThanOrEqual(2 ** 31)
      },
    ),
  )
  const reception = new Reception(1, 48_000)
  for (let i = 0; i < 500; i++) reception.handlePacket(i, (i % 2) * 2 ** 31, at(0))
  expect(reception.report(at(0)).jitter).toBeCloseTo(2 ** 31, -4)
})

test('refers to the last sender report with the time since it came', () => {
  const reception = new Reception(1, 48_000)
  reception.handlePacket(0, 0, at(0))
  const ntp = { seconds: 0x1234_5678, fraction: 0x9abc_def0 }
  reception.handleSenderReport(
    { kind: 'sender-report', ssrc: 1, ntp, rtpTimestamp: 0, packetCount: 1, octetCount: 1, reports: [] },
    at(100),
  )
  expect(reception.report(at(1600))).toMatchObject({
    lastSenderReport: 0x5678_9abc,
    delaySinceLastSenderReport: 1.5 * 65_536,
  })
})
