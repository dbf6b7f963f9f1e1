/**
 * A binding as a field and a value of the store, in hexadecimal digits: docs/recovery.md.
 *
 *     field  | client address 32 or 128 | listener 8 | client port 16 |
 *     value  | cluster 12 | transceiver 20 | expiry in seconds of the epoch 32 |
 *
 * The value holds ids and never an address: where they lead, the relay's own allow-table says. Digits, and not the
 * texts of addresses, because a relay that restarts reads tens of thousands of rows before it serves anybody.
 */

import { IPV4_MAPPED_WORD, isIpv4Words, TCP_BIT } from '#shared/endpoint'
import { epochSecondsOf } from '#shared/time'
import type { EpochSeconds } from '#shared/time'

/** Returns the field of the client at `words[at]`, which is on UDP: clients on TCP have no row. */
export function bindingField(words: Int32Array, at: number): string {
  let field = ''
  for (let i = isIpv4Words(words, at) ? 3 : 0; i < 4; i++) field += toDigits(words[at + i] ?? 0, 8)
  return field + toDigits((words[at + 4] ?? 0) & (TCP_BIT - 1), 6)
}

/** Writes the client that a field names; false, and nothing of use written, if it names none. */
export function writeFieldClient(field: string, words: Int32Array, at: number): boolean {
  if (!FIELD.test(field)) return false
  const isIpv4 = field.length === IPV4_FIELD_DIGITS
  words[at] = isIpv4 ? 0 : readDigits(field, 0, 8)
  words[at + 1] = isIpv4 ? 0 : readDigits(field, 8, 16)
  words[at + 2] = isIpv4 ? IPV4_MAPPED_WORD : readDigits(field, 16, 24)
  words[at + 3] = readDigits(field, field.length - 14, field.length - 6)
  words[at + 4] = readDigits(field, field.length - 6, field.length)
  // One client, one form, and a port: nobody writes others.
  return isIpv4Words(words, at) === isIpv4 && ((words[at + 4] ?? 0) & 0xffff) !== 0
}

/** Returns the value for a route that holds until `expiresAt`. */
export function bindingValue(route: number, expiresAt: EpochSeconds): string {
  return toDigits(route, 8) + toDigits(expiresAt, 8)
}

/** What a value says. */
export interface Binding {
  /** A route word. */
  readonly route: number
  readonly expiresAt: EpochSeconds
}

/** Reads a value; `undefined` if it is none. */
export function parseBindingValue(value: string): Binding | undefined {
  if (!VALUE.test(value)) return undefined
  return { route: readDigits(value, 0, 8) | 0, expiresAt: epochSecondsOf(readDigits(value, 8, 16)) }
}

function toDigits(word: number, digits: number): string {
  return (word >>> 0).toString(16).padStart(digits, '0')
}

function readDigits(text: string, start: number, end: number): number {
  return Number.parseInt(text.slice(start, end), 16)
}

const IPV4_FIELD_DIGITS = 8 + 6
const FIELD = /^[0-9a-f]{14}(?:[0-9a-f]{24})?$/
const VALUE = /^[0-9a-f]{16}$/
