import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ENDPOINT_WORDS } from '#shared/endpoint'
import { millisOf } from '#shared/time'
import { Arrivals } from './arrivals.ts'
import { IcePath } from './ice/path.ts'

const ROWS = 4
const CAPACITY = 12
const PATH = new IcePath(0, 0, new Int32Array(ENDPOINT_WORDS), 0, 0, millisOf(0))

test('keeps the packets of each session in the order of arrival, as lists would', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ add: fc.nat(ROWS - 1) }) },
    { weight: 2, arbitrary: fc.record({ drop: fc.nat(ROWS - 1) }) },
    { weight: 1, arbitrary: fc.constant('clear' as const) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const arrivals = new Arrivals(CAPACITY, ROWS)
      let model: number[][] = Array.from({ length: ROWS }, () => [])
      for (const [at, taken] of steps.entries()) {
        if (taken === 'clear') {
          arrivals.clear()
          model = model.map(() => [])
        } else if ('drop' in taken) {
          arrivals.drop(taken.drop)
          model[taken.drop] = []
        } else if (!arrivals.isFull) {
          arrivals.add(taken.add, PATH, 1, at, at + 1, at + 2, millisOf(at + 3))
          model[taken.add]?.push(at)
        }
        for (const row of model.keys()) expect(startsOf(arrivals, row)).toEqual(model[row])
      }
    }),
  )
})

test('knows of each packet all that it was told', () => {
  const arrivals = new Arrivals(2, 1)
  arrivals.add(0, PATH, 7, 100, 60, 40, millisOf(12.5))
  const packet = arrivals.firstOf(0)
  expect(arrivals.paths[packet]).toBe(PATH)
  expect([arrivals.rows, arrivals.links, arrivals.starts, arrivals.lengths].map((of) => of[packet])).toEqual([
    0, 7, 100, 60,
  ])
  expect([arrivals.cookieStarts[packet], arrivals.times[packet]]).toEqual([40, 12.5])
})

test('is full at its capacity', () => {
  const arrivals = new Arrivals(1, 1)
  expect(arrivals.isFull).toBe(false)
  arrivals.add(0, PATH, 0, 0, 0, 0, millisOf(0))
  expect(arrivals.isFull).toBe(true)
  expect(() => new Arrivals(0, 1)).toThrow(RangeError)
  expect(() => new Arrivals(1, 1.5)).toThrow(RangeError)
})

function startsOf(arrivals: Arrivals, row: number): number[] {
  const starts: number[] = []
  for (let packet = arrivals.firstOf(row); packet >= 0; packet = arrivals.after(packet)) {
    starts.push(arrivals.starts[packet] ?? -1)
  }
  return starts
}
