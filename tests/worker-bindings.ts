/** The environment of a Worker under test: keys that anybody may know, and a store that the test gives. */

import { createHash } from 'node:crypto'

export const API_KEY = 'sk-test'
export const CONTROL_KEY = new Uint8Array(32).fill(0xc0)
export const ROUTE_KEY = new Uint8Array(16).fill(0x70)

/** Returns the bindings of a Worker whose store is at `storeUrl`. */
export function workerBindings(
  storeUrl: string,
  changes: Record<string, string> = {},
): Record<string, string> {
  return {
    UPSTASH_REDIS_REST_URL: storeUrl,
    UPSTASH_REDIS_REST_TOKEN: 'store-token',
    FIRSTHOP_ROUTE_KEYS: `0:${Buffer.from(ROUTE_KEY).toString('hex')}`,
    FIRSTHOP_CONTROL_KEY: Buffer.from(CONTROL_KEY).toString('hex'),
    FIRSTHOP_SECRET_KEYS: `2:${'22'.repeat(32)},1:${'11'.repeat(32)}`,
    FIRSTHOP_API_KEYS: JSON.stringify([apiKeyRecord('test', API_KEY)]),
    ...changes,
  }
}

/** What the environment says of the API key `key`: its id, its hash, and what it may do. */
export function apiKeyRecord(id: string, key: string, limits: object = {}): object {
  return { id, sha256: createHash('sha256').update(key).digest('base64url'), ...limits }
}
