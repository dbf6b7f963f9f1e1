/**
 * The fleet's registry in Redis, spoken to over Upstash's REST protocol: docs/store.md.
 *
 * One hash, `firsthop:fleet`: the field is the node's id, the value its record as JSON. A heartbeat is one HSET, a
 * snapshot one HVALS: Upstash bills each command. Nothing here is a lease: readers drop records whose
 * `heartbeatAt` is too old. Runs unchanged in Node and in Workers.
 */

import { Redis, errors } from '@upstash/redis/cloudflare'
import type { FleetRecord } from '#shared/fleet/record'

/** What the fleet's members and readers need of the registry; every method rejects with a `StoreError`. */
export interface Store {
  /** Writes the record of one node over its former one. */
  publish(record: FleetRecord): Promise<void>
  /** Removes the record of the node `id`; removing one that is not there is no error. */
  withdraw(id: string): Promise<void>
  /** Reads every record, as parsed JSON that nobody has validated yet. */
  readFleet(): Promise<unknown[]>
}

export interface StoreOptions {
  readonly url: string
  readonly token: string
  /** Bounds one command, with its retry; 2,000 when absent. */
  readonly timeoutMillis?: number
}

export type StoreErrorCode = 'unreachable' | 'timeout' | 'refused' | 'malformed'

/** A command that failed. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, cause: unknown) {
    super(message, { cause })
    this.code = code
  }
}

/** Opens the registry at `url`; connects with the first command only. */
export function openStore(options: StoreOptions): Store {
  const redis = openRedis(options, 'json')
  return {
    publish: (record) => runCommand(() => redis.hset(FLEET_KEY, { [record.id]: record })).then(noResult),
    withdraw: (id) => runCommand(() => redis.hdel(FLEET_KEY, id)).then(noResult),
    readFleet: () => runCommand(() => redis.hvals(FLEET_KEY)),
  }
}

/**
 * Makes a client, for this file and its neighbours; connects with the first command only. A `plain` one takes and
 * gives texts as they are: no JSON, no base64.
 */
export function openRedis(
  { url, token, timeoutMillis = TIMEOUT_MILLIS }: StoreOptions,
  form: 'json' | 'plain',
): Redis {
  return new Redis({
    url,
    token,
    enableTelemetry: false,
    // A batch would mix the I/O of several requests, which Workers forbid; every method is one command anyway.
    enableAutoPipelining: false,
    readYourWrites: false,
    automaticDeserialization: form === 'json',
    responseEncoding: form === 'json' ? 'base64' : false,
    retry: { retries: 1, backoff: () => RETRY_AFTER_MILLIS },
    signal: () => AbortSignal.timeout(timeoutMillis),
  })
}

/** Runs one command; rejects with a `StoreError`. */
export async function runCommand<Result>(command: () => Promise<Result>): Promise<Result> {
  try {
    return await command()
  } catch (error) {
    throw storeError(error)
  }
}

function storeError(cause: unknown): StoreError {
  if (cause instanceof errors.UpstashJSONParseError) {
    return new StoreError('malformed', 'The store answered with something other than JSON', cause)
  }
  if (cause instanceof errors.UpstashError) {
    // The client appends the command, and with it the record.
    const reason = cause.message.split(', command was:', 1)[0]
    return new StoreError('refused', `The store refused the command: ${reason}`, cause)
  }
  if (cause instanceof Error && cause.name === 'TimeoutError') {
    return new StoreError('timeout', 'The store did not answer in time', cause)
  }
  return new StoreError('unreachable', 'The store cannot be reached', cause)
}

function noResult(): void {}

/** The one key of the registry. */
const FLEET_KEY = 'firsthop:fleet'

const TIMEOUT_MILLIS = 2_000
const RETRY_AFTER_MILLIS = 50
