/**
 * The bindings of one VIP in Redis: docs/recovery.md.
 *
 * One hash per VIP, `firsthop:bindings:<address>`, because every relay behind an address may get any of its
 * clients' packets. Every method is one command, whatever the number of its fields: Upstash bills commands.
 * Fields and values are the caller's; they are written and read as they are.
 */

import { openRedis, runCommand } from './store.ts'
import type { StoreOptions } from './store.ts'

/** Texts by field; every method rejects with a `StoreError`. */
export interface BindingStore {
  /** Writes rows over their former ones: one HSET. */
  write(rows: ReadonlyMap<string, string>): Promise<void>
  /** Removes rows; one that is not there is no error: one HDEL. */
  remove(fields: readonly string[]): Promise<void>
  /** Reads the values of `fields`, in their order, null for each that is not there: one HMGET. */
  read(fields: readonly string[]): Promise<(string | null)[]>
  /** Reads every row, as fields and values in turn: one HGETALL. */
  readAll(): Promise<string[]>
}

/** Opens the bindings of the VIP at `address`; connects with the first command only. */
export function openBindingStore(options: StoreOptions, address: string): BindingStore {
  const redis = openRedis(options, 'plain')
  const key = `${KEY_PREFIX}${address}`
  return {
    write: (rows) => runCommand(() => redis.hset(key, Object.fromEntries(rows))).then(noResult),
    remove: (fields) => runCommand(() => redis.hdel(key, ...fields)).then(noResult),
    // A plain client gives replies as Redis writes them, which its types do not know.
    read: (fields) => runCommand<unknown>(() => redis.hmget(key, ...fields)) as Promise<(string | null)[]>,
    readAll: () => runCommand<unknown>(() => redis.hgetall(key)) as Promise<string[]>,
  }
}

function noResult(): void {}

const KEY_PREFIX = 'firsthop:bindings:'
