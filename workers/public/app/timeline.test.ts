import { expect, test } from 'vitest'
import {
  headlineFigures,
  readServerTiming,
  scaleFraction,
  scaleSpan,
  scaleTicks,
  timelineRows,
} from './timeline.js'

const MARKS = { click: 1000, microphone: 3000, secret: 3010, offer: 3020, answer: 3060, ice: 3070 }

function timeOf(rows: ReturnType<typeof timelineRows>, key: string) {
  return rows.find((row) => row.key === key)?.at
}

test('counts from the moment the microphone was granted', () => {
  const rows = timelineRows(MARKS, {})
  expect(timeOf(rows, 'click')).toBe(-2000)
  expect(timeOf(rows, 'microphone')).toBe(0)
  expect(timeOf(rows, 'answer')).toBe(60)
})

test('counts from the click while the microphone is not granted', () => {
  expect(timeOf(timelineRows({ click: 1000 }, {}), 'click')).toBe(0)
})

test('lists every step, also those that have not happened', () => {
  const rows = timelineRows({}, {})
  expect(rows).toHaveLength(15)
  expect(rows.every((row) => row.at === undefined)).toBe(true)
  expect(new Set(rows.map((row) => row.key)).size).toBe(15)
})

test('places the transceiver in the middle of what the POST did not spend there', () => {
  const rows = timelineRows(MARKS, { offer: 0, answer: 10, firstCheck: 30 })
  expect(timeOf(rows, 'server-offer')).toBe(35)
  expect(timeOf(rows, 'server-answer')).toBe(45)
  expect(timeOf(rows, 'server-first-check')).toBe(65)
})

test('leaves the transceiver out while there is no answer to place it by', () => {
  const rows = timelineRows({ microphone: 0, offer: 20 }, { offer: 0, answer: 10 })
  expect(timeOf(rows, 'server-offer')).toBeUndefined()
})

test('draws each span from the mark before it on the same side, and never backwards', () => {
  const rows = timelineRows({ ...MARKS, connected: 3090, channel: 3085 }, { offer: 0, answer: 10 })
  expect(rows.find((row) => row.key === 'server-answer')?.from).toBe(35)
  expect(rows.find((row) => row.key === 'answer')?.from).toBe(20)
  expect(rows.find((row) => row.key === 'channel')).toMatchObject({ from: 85, at: 85 })
})

test('sums a call up by two figures', () => {
  expect(headlineFigures({ ...MARKS, connected: 3061.5 })).toEqual({ connected: 61.5, heard: undefined })
})

test('maps time to width by its square root and clamps what lies outside', () => {
  expect([0, 250, 1000, 2000, -5].map((at) => scaleFraction(at, 1000))).toEqual([0, 0.5, 1, 1, 0])
})

test('ends the scale at the next round time', () => {
  expect(scaleSpan(timelineRows(MARKS, {}))).toBe(100)
  expect(scaleSpan(timelineRows({}, {}))).toBe(1000)
  expect(scaleSpan(timelineRows({ microphone: 0, answer: 90_000 }, {}))).toBe(90_000)
})

test('labels the end of the scale and nothing too close to another label', () => {
  for (const span of [10, 100, 250, 1000, 2000, 60_000, 90_000]) {
    const ticks = scaleTicks(span)
    expect(ticks.at(-1)).toBe(span)
    const places = ticks.map((tick) => scaleFraction(tick, span))
    const distances = places.slice(1).map((place, index) => place - (places[index] ?? 0))
    expect(Math.min(1, ...distances)).toBeGreaterThan(0.25)
  }
})

test('reads the durations of a Server-Timing header and skips metrics without one', () => {
  expect(readServerTiming('steer;dur=0.4, cache;desc="hit", place;desc=x;dur=9.1')).toEqual([
    { name: 'steer', millis: 0.4 },
    { name: 'place', millis: 9.1 },
  ])
  expect(readServerTiming('')).toEqual([])
})
