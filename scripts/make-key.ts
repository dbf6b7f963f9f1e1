/**
 * `npm run key`: makes an API key. docs/client-secrets.md.
 *
 * The key is printed once and kept nowhere; its hash, with what it may do, is added to a file, which is what the
 * Worker's secret FIRSTHOP_API_KEYS holds and what `npm start` gives the local Worker.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import * as v from 'valibot'
import { toBase64Url, utf8 } from '#shared/bytes'
import { API_KEY_BYTES, apiKeyOf, apiKeysSchema } from '#shared/keys/api-key'
import { randomBytes, sha256 } from '#shared/platform/crypto'

/** Where keys are kept unless `--file` says otherwise. */
export const API_KEYS_FILE = fileURLToPath(new URL('../.firsthop/api-keys.json', import.meta.url))

/** What `npm run key` is asked for. */
export interface KeyOrder {
  readonly id: string
  readonly origins?: readonly string[] | undefined
  readonly maxCalls?: number | undefined
}

/** Adds a new key to `file` and returns its text; throws when the file or the order is not as it must be. */
export function makeKey({ id, origins, maxCalls }: KeyOrder, file: string): string {
  const key = apiKeyOf(randomBytes(API_KEY_BYTES))
  const record = { id, sha256: toBase64Url(sha256(utf8(key))), origins, maxCalls }
  const records = [...readRecords(file), record]
  const checked = v.safeParse(apiKeysSchema, records)
  if (!checked.success) throw new Error(describe(checked.issues[0]))
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `[\n${records.map((entry) => `  ${JSON.stringify(entry)}`).join(',\n')}\n]\n`, {
    mode: 0o600,
  })
  return key
}

/** Reads the keys in `file` as the Worker's environment takes them; an empty list when there is no file. */
export function readKeysFile(file: string): string {
  return JSON.stringify(readRecords(file))
}

function readRecords(file: string): unknown[] {
  try {
    return v.parse(v.array(v.unknown()), JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new Error(`${file} is not a JSON array of keys`, { cause: error })
  }
}

function describe(issue: v.BaseIssue<unknown>): string {
  return [v.getDotPath(issue), issue.message].filter((part) => part !== null).join(' ')
}

function readOrder(): KeyOrder & { readonly file: string } {
  const { values } = parseArgs({
    options: {
      id: { type: 'string' },
      origin: { type: 'string', multiple: true },
      'max-calls': { type: 'string' },
      file: { type: 'string', default: API_KEYS_FILE },
    },
  })
  if (values.id === undefined) throw new Error('--id is missing: a name for the key, which logs will show')
  const maxCalls = values['max-calls'] === undefined ? undefined : Number(values['max-calls'])
  return { id: values.id, origins: values.origin, maxCalls, file: values.file }
}

if (import.meta.main) {
  try {
    const order = readOrder()
    console.log(makeKey(order, order.file))
    console.error(`
  This is the only time that the key is shown. Its hash is in ${order.file}:
  the next "npm start" takes it from there, and a deployment gets it with

    npx wrangler secret put FIRSTHOP_API_KEYS < ${order.file}
`)
  } catch (error) {
    console.error((error as Error).message)
    console.error('usage: npm run key -- --id <name> [--origin https://app.example]… [--max-calls <n>]')
    process.exit(2)
  }
}
