import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { STATUS_BY_FAULT } from './errors.ts'

test('docs/api.md lists every fault with its status', () => {
  const page = readFileSync(new URL('../docs/api.md', import.meta.url), 'utf8')
  const documented = page
    .split('\n')
    .flatMap((line) => {
      const [, status = '', codes = ''] = /^\| (\d{3}) +\| (.+?) +\|/.exec(line) ?? []
      return [...codes.matchAll(/`(\w+)`/g)].map(([, code]) => [code, Number(status)] as const)
    })
    .filter(([code]) => !/^(offer|fragment)_|^sdp_malformed$|^too_many_sidebands$/.test(code ?? ''))
  const actual = Object.entries(STATUS_BY_FAULT).map(([fault, status]) => [
    fault.replaceAll('-', '_'),
    status,
  ])
  expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(actual))
})
