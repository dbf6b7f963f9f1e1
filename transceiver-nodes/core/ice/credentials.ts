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

/** The credentials of one session: one pair, and while a restart is under way two. */
export class Generations {
  #current: Generation
  /** The credentials of a restart under which no path has answered yet. */
  #next: Generation | undefined

  constructor(credentials: IceCredentials) {
    this.#current = generationOf(credentials, 0)
  }

  /** The credentials that our checks are sent under. */
  get current(): Generation {
    return this.#current
  }

  /** The credentials of the latest restart, whether it is done or not. */
  get latest(): Generation {
    return this.#next ?? this.#current
  }

  /** Begins a restart; returns the credentials of one that was under way, and is no more. */
  begin(credentials: IceCredentials): Generation | undefined {
    const abandoned = this.#next
    this.#next = generationOf(credentials, this.latest.number + 1)
    return abandoned
  }

  /** Takes note that a path has answered under `generation`; true: that completes a restart. */
  handleAnswer(generation: Generation): boolean {
    if (generation !== this.#next) return false
    this.#current = generation
    this.#next = undefined
    return true
  }

  /** Returns the credentials that the USERNAME of a client's check names. */
  namedBy(username: string | undefined): Generation | undefined {
    return [this.#current, this.#next].find((generation) => generation?.localUsername === username)
  }
}

function generationOf(credentials: IceCredentials, number: number): Generation {
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
