/** The API keys of this deployment, found by what a client sends or by their id: docs/client-secrets.md. */

import { equalBytes, utf8 } from '#shared/bytes'
import type { ApiKey } from '#shared/keys/api-key'
import { sha256 } from '#shared/platform/crypto'

export class ApiKeys {
  readonly #keys: readonly ApiKey[]

  constructor(keys: readonly ApiKey[]) {
    this.#keys = keys
  }

  /** Returns what is known of the key with this text, in a time that depends on the number of keys only. */
  ofText(text: string): ApiKey | undefined {
    const hash = sha256(utf8(text))
    return this.#keys.filter((key) => equalBytes(key.sha256, hash))[0]
  }

  /** Returns what is known of the key `id`. */
  ofId(id: string): ApiKey | undefined {
    return this.#keys.find((key) => key.id === id)
  }
}
