/**
 * A binding as a field and a value of the store: docs/recovery.md.
 *
 *     198.51.100.7:50000/0   →   1/7/1800007200
 *     [2001:db8::7]:50000/1  →   cluster/transceiver/expiry, in seconds of the epoch
 *
 * The field is the client's endpoint and the listener that it came through; clients on TCP have no row. The value
 * holds ids and never an address: where they lead, the relay's own allow-table says.
 */

import { formatEndpoint, parseEndpoint, readClient, writeClient } from '#shared/endpoint'
import { epochSecondsOf } from '#shared/time'
import type { EpochSeconds } from '#shared/time'
import { routeWord } from './upstreams.ts'

/** Returns the field of the client at `words[at]`. */
export function bindingField(words: Int32Array, at: number): string {
  const client = readClient(words, at)
  return `${formatEndpoint(client)}/${client.listener}`
}

/** Writes the client that a field names; false if it is none, and whoever wrote it was no relay. */
export function writeFieldClient(field: string, words: Int32Array, at: number): boolean {
  const slash = field.lastIndexOf('/')
  const endpoint = parseEndpoint(field.slice(0, Math.max(0, slash)))
  const listener = parseId(field.slice(slash + 1), MAX_LISTENER)
  if (endpoint === undefined || endpoint.port === 0 || listener === undefined) return false
  return writeClient(words, at, { ...endpoint, listener, transport: 'udp' })
}

/** Returns the value for a route that holds until `expiresAt`. */
export function bindingValue(route: number, expiresAt: EpochSeconds): string {
  return `${route >>> TRANSCEIVER_BITS}/${route & MAX_TRANSCEIVER}/${expiresAt}`
}

/** What a value says. */
export interface Binding {
  readonly route: number
  readonly expiresAt: EpochSeconds
}

/** Reads a value; `undefined` if it is none. */
export function parseBindingValue(value: string): Binding | undefined {
  const [cluster, transceiver, expiresAt, ...more] = value.split('/')
  const clusterId = parseId(cluster, MAX_CLUSTER)
  const transceiverId = parseId(transceiver, MAX_TRANSCEIVER)
  const seconds = parseId(expiresAt, Number.MAX_SAFE_INTEGER)
  if (clusterId === undefined || transceiverId === undefined || seconds === undefined || more.length > 0) {
    return undefined
  }
  return { route: routeWord(clusterId, transceiverId), expiresAt: epochSecondsOf(seconds) }
}

function parseId(text: string | undefined, most: number): number | undefined {
  if (text === undefined || !/^(?:0|[1-9]\d{0,15})$/.test(text)) return undefined
  const id = Number(text)
  return id <= most ? id : undefined
}

/** Widths of the ids: docs/routing-ufrag.md. */
const TRANSCEIVER_BITS = 20
const MAX_TRANSCEIVER = 2 ** TRANSCEIVER_BITS - 1
const MAX_CLUSTER = 2 ** 12 - 1
/** A listener is one byte of a frame: docs/link.md. */
const MAX_LISTENER = 255
