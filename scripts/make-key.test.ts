import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { utf8 } from '#shared/bytes'
import { apiKeysSchema } from '#shared/keys/api-key'
import { sha256 } from '#shared/platform/crypto'
import { makeKey, readKeysFile } from './make-key.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keys-'))
  file = join(folder, 'new', 'api-keys.json')
})
afterEach(() => rmSync(folder, { recursive: true }))

const keysIn = () => v.parse(apiKeysSchema, JSON.parse(readKeysFile(file)))

describe('makeKey', () => {
  test('keeps the hash of each key, and what it may do, but no key', () => {
    const web = makeKey({ id: 'web', origins: ['https://app.example'], maxCalls: 50 }, file)
    const cron = makeKey({ id: 'cron' }, file)
    expect(web).toMatch(/^sk-[\w-]{43}$/)
    expect(keysIn()).toEqual([
      { id: 'web', sha256: sha256(utf8(web)), origins: ['https://app.example'], maxCalls: 50 },
      { id: 'cron', sha256: sha256(utf8(cron)) },
    ])
    expect(readFileSync(file, 'utf8')).not.toMatch(/sk-/)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('changes nothing when the order is wrong', () => {
    makeKey({ id: 'web' }, file)
    expect(() => makeKey({ id: 'web' }, file)).toThrow('has an id twice')
    expect(() => makeKey({ id: 'x', origins: ['app.example'] }, file)).toThrow(
      '1.origins.0 must be an origin',
    )
    expect(() => makeKey({ id: 'x', maxCalls: NaN }, file)).toThrow('1.maxCalls')
    expect(keysIn().map(({ id }) => id)).toEqual(['web'])
  })

  test('finds no keys where there is no file', () => {
    expect(readKeysFile(file)).toBe('[]')
  })
})
