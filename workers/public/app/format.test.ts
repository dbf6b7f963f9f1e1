import { expect, test } from 'vitest'
import { formatClock, formatCount, formatMillis, formatMoment } from './format.js'

test('writes a duration with the digits its size deserves', () => {
  expect([0, 9.94, 12.4, 999, 1240].map(formatMillis)).toEqual([
    '0.0 ms',
    '9.9 ms',
    '12 ms',
    '999 ms',
    '1.24 s',
  ])
})

test('groups thousands and writes a real minus', () => {
  expect([0, 999, 1204, -1204, 1_234_567].map(formatCount)).toEqual([
    '0',
    '999',
    '1\u202f204',
    '\u22121\u202f204',
    '1\u202f234\u202f567',
  ])
})

test('does not write a minus before a zero', () => {
  expect(formatCount(-0.4)).toBe('0')
})

test('writes elapsed time as a clock', () => {
  expect([-5, 7_900, 750_000, 3_723_000].map(formatClock)).toEqual(['0:00', '0:07', '12:30', '1:02:03'])
})

test('writes the moment of an event with its sign', () => {
  expect([12_345, -4].map(formatMoment)).toEqual(['+12.345', '\u22120.004'])
})
