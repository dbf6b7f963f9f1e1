/** The ephemeral keys of this deployment: minted with the first of its signing keys, opened with all of them. */

import { toBase64Url } from '#shared/bytes'
import type { SessionConfig } from '#shared/control/messages'
import type { Mac } from '#shared/control/signature'
import { mintClientSecret, verifyClientSecret } from '#shared/keys/client-secret'
import type { ClientSecret, ClientSecretFault } from '#shared/keys/client-secret'
import type { ListedKeys } from '#shared/keys/key-list'
import { hmacSha256, randomBytes } from '#shared/platform/crypto'
import { epochSecondsOf } from '#shared/time'
import type { EpochSeconds } from '#shared/time'

export interface MintedClientSecret {
  /** `ek_…` */
  readonly value: string
  readonly expiresAt: EpochSeconds
  /** `sess_…`, by which logs name the key and all that comes of it. */
  readonly id: string
}

export class ClientSecrets {
  readonly #macByKeyId: ReadonlyMap<string, Mac>
  readonly #mintingKeyId: string
  readonly #mintingMac: Mac

  constructor(keys: ListedKeys) {
    const [minting] = keys
    this.#mintingKeyId = String(minting.id)
    this.#mintingMac = hmacSha256(minting.key)
    this.#macByKeyId = new Map(keys.map(({ id, key }) => [String(id), hmacSha256(key)]))
  }

  /** Mints a key for the holder of the API key `apiKeyId`, with which sessions start from `session`. */
  mint(
    apiKeyId: string | undefined,
    session: SessionConfig | undefined,
    lifetimeSeconds: number,
    now: EpochSeconds,
  ): MintedClientSecret | ClientSecretFault {
    const id = `sess_${toBase64Url(randomBytes(16))}`
    const expiresAt = epochSecondsOf(now + lifetimeSeconds)
    const secret = {
      id,
      keyId: this.#mintingKeyId,
      expiresAt,
      ...(apiKeyId && { apiKeyId }),
      ...(session && { session }),
    }
    const minted = mintClientSecret(secret, this.#mintingMac, now)
    return typeof minted === 'string' ? minted : { value: minted.value, expiresAt, id }
  }

  /** Returns what the key says, or why it is not good. */
  verify(text: string, now: EpochSeconds): ClientSecret | ClientSecretFault {
    return verifyClientSecret(text, this.#macByKeyId, now)
  }
}
