/** API keys, known to the Worker by their SHA-256 only: docs/api.md. */

import { equalBytes, utf8 } from '#shared/bytes'
import { sha256 } from '#shared/platform/crypto'

/** Tells whether `key` is one of those hashed in `hashes`, in a time that depends on their number only. */
export function isApiKey(key: string, hashes: readonly Uint8Array[]): boolean {
  const hash = sha256(utf8(key))
  return hashes.filter((known) => equalBytes(known, hash)).length > 0
}
