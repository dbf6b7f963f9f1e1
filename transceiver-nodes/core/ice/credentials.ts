/** The credentials of both sides, which an ICE restart replaces: RFC 8445 sections 7.2.2 and 9, RFC 8839 section 5.4. */

import type { Hmac } from '#shared/stun/integrity'

/** User name fragments, and HMAC-SHA1 under the passwords that belong to them. */
export interface IceCredentials {
  readonly localUfrag: string
  readonly remoteUfrag: string
  /** HMAC-SHA1 under our password: verifies requests, protects responses. */
  readonly localMac: Hmac
  /** HMAC-SHA1 under the client's password: protects requests, verifies responses. */
  readonly remoteMac: Hmac
}

/** One pair of credentials, counted from 0. */
export interface Generation extends IceCredentials {
  readonly number: number
  /** USERNAME of the client's checks, and of ours. */
  readonly localUsername: string
  readonly remoteUsername: string
}

/** Returns the generation `number` of a session. */
export function generationOf(credentials: IceCredentials, number: number): Generation {
  const { localUfrag, remoteUfrag, localMac, remoteMac } = credentials
  return {
    localUfrag,
    remoteUfrag,
    localMac,
    remoteMac,
    number,
    localUsername: `${localUfrag}:${remoteUfrag}`,
    remoteUsername: `${remoteUfrag}:${localUfrag}`,
  }
}
