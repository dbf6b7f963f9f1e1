import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { repeat } from './repeat.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function start(task: () => Promise<void>) {
  const onFailed = vi.fn()
  const onRecovered = vi.fn()
  return { onFailed, onRecovered, repetition: repeat({ task, intervalMillis: 1_000, onFailed, onRecovered }) }
}

test('runs at once and then at every interval until it is stopped', async () => {
  const task = vi.fn(() => Promise.resolve())
  const { repetition } = start(task)
  await vi.advanceTimersByTimeAsync(2_500)
  expect(task).toHaveBeenCalledTimes(3)
  await repetition.stop()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(task).toHaveBeenCalledTimes(3)
})

test('never runs two tasks at once, and counts the interval from the end', async () => {
  let running = 0
  const task = vi.fn(async () => {
    expect(++running).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    running--
  })
  const { repetition } = start(task)
  void repetition.runNow()
  await vi.advanceTimersByTimeAsync(6_500)
  expect(task).toHaveBeenCalledTimes(2)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(task).toHaveBeenCalledTimes(3)
})

test('runs a run asked for without shortening what follows', async () => {
  const task = vi.fn(() => Promise.resolve())
  const { repetition } = start(task)
  await vi.advanceTimersByTimeAsync(600)
  await repetition.runNow()
  expect(task).toHaveBeenCalledTimes(2)
  await vi.advanceTimersByTimeAsync(900)
  expect(task).toHaveBeenCalledTimes(2)
  await vi.advanceTimersByTimeAsync(200)
  expect(task).toHaveBeenCalledTimes(3)
})

test('reports only the first failure of a row and the first success after it', async () => {
  let isDown = true
  const { onFailed, onRecovered } = start(() =>
    isDown ? Promise.reject(new Error('down')) : Promise.resolve(),
  )
  await vi.advanceTimersByTimeAsync(3_500)
  expect(onFailed).toHaveBeenCalledTimes(1)
  expect(onRecovered).not.toHaveBeenCalled()
  isDown = false
  await vi.advanceTimersByTimeAsync(3_000)
  expect(onFailed).toHaveBeenCalledTimes(1)
  expect(onRecovered).toHaveBeenCalledTimes(1)
})

test('stops only when the running task has ended', async () => {
  let ended = false
  const { repetition } = start(async () => {
    await new Promise((resolve) => setTimeout(resolve, 700))
    ended = true
  })
  const stopped = repetition.stop().then(() => ended)
  await vi.advanceTimersByTimeAsync(700)
  expect(await stopped).toBe(true)
})
