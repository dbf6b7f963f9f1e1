import { expect, test } from 'vitest'
import { isLogLevel, openLog } from './log.ts'
import type { LogOptions } from './log.ts'

function openRecordedLog(options: LogOptions = {}) {
  const lines: string[] = []
  const log = openLog({ ...options, write: (line) => lines.push(line) })
  return { log, entries: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) }
}

test('writes one JSON object per line, with the time, the level and the fields', () => {
  const { log, entries } = openRecordedLog({ fields: { node: 'relay-1' } })
  log.with({ call: 7 }).warn('Something happened', { count: 2, absent: undefined })
  const [{ time, ...entry } = {}] = entries()
  expect(Date.parse(time as string)).toBeCloseTo(Date.now(), -4)
  expect(entry).toEqual({ level: 'warn', message: 'Something happened', node: 'relay-1', call: 7, count: 2 })
})

test('writes nothing below its level', () => {
  const { log, entries } = openRecordedLog({ level: 'warn' })
  log.debug('a')
  log.info('b')
  log.with({}).info('c')
  log.warn('d')
  log.error('e')
  expect(entries().map(({ message }) => message)).toEqual(['d', 'e'])
})

test('shows the stack of a bug, and only the message of an error with a code', () => {
  const { log, entries } = openRecordedLog()
  log.error('Failed', { error: new TypeError('a bug') })
  log.error('Failed', { error: Object.assign(new Error('expected'), { code: 'timeout' }) })
  const [bug, expected] = entries().map(({ error }) => error)
  expect(bug).toMatch(/^TypeError: a bug\n {4}at /)
  expect(expected).toBe('expected')
})

test('knows the names of the levels', () => {
  expect(['debug', 'info', 'warn', 'error', 'loud'].map(isLogLevel)).toEqual([true, true, true, true, false])
})
