/**
 * Reads a node's configuration from environment variables: docs/operate.md lists them.
 *
 * Every mistake is collected, so that an operator sees all of them at once, and no value is ever quoted: some
 * are secrets.
 */

import { fromHex } from '#shared/bytes'
import { parseEndpoint } from '#shared/endpoint'
import type { Endpoint } from '#shared/endpoint'
import { parseKeyList } from '#shared/keys/key-list'
import { RouteKeyRing } from '#shared/ufrag/route'
import { aesBlockCipher } from './crypto.ts'

/** A configuration that cannot be used; the message names every mistake. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code = 'config-invalid'
}

/** Reads typed values and remembers what was wrong; `check` throws when anything was. */
export class Environment {
  readonly #variables: Readonly<Record<string, string | undefined>>
  readonly #mistakes: string[] = []

  constructor(variables: Readonly<Record<string, string | undefined>>) {
    this.#variables = variables
  }

  /** Throws a `ConfigError` that lists every mistake so far. */
  check(): void {
    if (this.#mistakes.length > 0) throw new ConfigError(this.#mistakes.join('\n'))
  }

  /** Notes a mistake in `name` that only its reader can see. */
  fault(name: string, complaint: string): void {
    this.#mistakes.push(`${name} ${complaint}`)
  }

  /** A text that must be there. */
  text(name: string, fallback?: string): string {
    const value = this.#variables[name] ?? fallback
    if (value === undefined || value === '') this.fault(name, 'is not set')
    return value ?? ''
  }

  /** A text that may be missing. */
  optionalText(name: string): string {
    return this.#variables[name] ?? ''
  }

  /** A text of one of `values`. */
  oneOf<Value extends string>(name: string, values: readonly Value[], fallback: Value): Value {
    const value = this.text(name, fallback)
    if ((values as readonly string[]).includes(value)) return value as Value
    this.fault(name, `must be one of ${values.join(', ')}`)
    return fallback
  }

  /** A number within bounds. */
  number(name: string, minimum: number, maximum: number, fallback?: number): number {
    const text = this.text(name, fallback === undefined ? undefined : String(fallback))
    const value = Number(text)
    if (text !== '' && !(value >= minimum && value <= maximum)) {
      this.fault(name, `must be a number from ${minimum} to ${maximum}`)
    }
    return value
  }

  /** A whole number within bounds. */
  integer(name: string, minimum: number, maximum: number, fallback?: number): number {
    const value = this.number(name, minimum, maximum, fallback)
    if (!Number.isNaN(value) && !Number.isInteger(value)) this.fault(name, 'must be a whole number')
    return value
  }

  /** An address and a port, `203.0.113.7:7471` or `[2001:db8::7]:7471`. */
  endpoint(name: string): Endpoint {
    const endpoint = parseEndpoint(this.text(name))
    if (endpoint !== undefined) return endpoint
    this.fault(name, 'must be an address and a port, such as 10.0.0.5:7471')
    return { address: '0.0.0.0', port: 0 }
  }

  /** An http or https URL. */
  url(name: string): string {
    const text = this.text(name)
    if (!/^https?:\/\//.test(text) || !URL.canParse(text)) this.fault(name, 'must be an http(s) URL')
    return text
  }

  /** A key of exactly `bytes` bytes in hexadecimal. */
  key(name: string, bytes: number): Uint8Array {
    const key = fromHex(this.text(name))
    if (key?.length === bytes) return key
    this.fault(name, `must be ${bytes * 2} hexadecimal digits`)
    return new Uint8Array(bytes)
  }

  /** The keys that seal routes, `0:<32 hex digits>,…`: the first one mints. */
  routeKeys(name: string): RouteKeyRing {
    const keys = parseKeyList(this.text(name), 16, 14)
    if (typeof keys !== 'string') {
      return new RouteKeyRing(
        keys.map(({ id, key }) => ({ id, cipher: aesBlockCipher(key) })),
        keys[0].id,
      )
    }
    this.fault(name, `must be a list such as 0:<32 hexadecimal digits> (${keys})`)
    return new RouteKeyRing([{ id: 0, cipher: aesBlockCipher(new Uint8Array(16)) }], 0)
  }
}
