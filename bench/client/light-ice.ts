/**
 * The ICE of a light client: RFC 8445 as Chromium does it towards a server that takes control (docs/ice.md).
 *
 * One path for each candidate of the answer. Each is checked for ever, at Chromium's intervals; every request is
 * answered; media goes where the server has nominated last. Left out: candidates of its own, role conflicts (the
 * server wins each), pruning and failure: a bench has no use for a client that gives up.
 */

import { equalBytes } from '#shared/bytes'
import type { Endpoint } from '#shared/endpoint'
import {
  iceControlled,
  iceControlling,
  priority,
  readNumber,
  useCandidate,
  username,
  xorMappedAddress,
} from '#shared/stun/attributes'
import { checkIntegrity } from '#shared/stun/integrity'
import type { Hmac } from '#shared/stun/integrity'
import { encodeStunMessage, findAttribute, parseStunMessage } from '#shared/stun/message'
import type { StunMessage } from '#shared/stun/message'
import {
  ATTRIBUTE_ICE_CONTROLLING,
  ATTRIBUTE_NOMINATION,
  ATTRIBUTE_USE_CANDIDATE,
  BINDING_REQUEST,
  BINDING_SUCCESS,
  TRANSACTION_ID_BYTES,
} from '#shared/stun/registry'
import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'

/** Credentials and surroundings of one client's ICE. */
export interface LightIceOptions {
  /** The server's ufrag, a colon, the client's own. */
  readonly username: string
  /** HMAC-SHA1 under the client's own password, and under the server's. */
  readonly localMac: Hmac
  readonly remoteMac: Hmac
  readonly candidates: readonly Endpoint[]
  /** Nominates every path that it checks, for a server that leaves control to the client. */
  readonly nominates?: boolean
  readonly randomBytes: (length: number) => Uint8Array
  /** Sends a message to the candidate with this index. */
  readonly transmit: (path: number, message: Uint8Array) => void
}

/** The ICE agent of one light client. */
export class LightIce {
  /** The path that media takes; -1: none yet. */
  selected = -1
  readonly #options: LightIceOptions
  readonly #paths: readonly LightPath[]
  /** The least there is; libjuice takes 0 for none. */
  readonly #tieBreaker = new Uint8Array([0, 0, 0, 0, 0, 0, 0, 1])
  #isControlling = true
  #nomination = -1
  #nominated = -1

  /** Checks every candidate at once. */
  constructor(options: LightIceOptions, now: Millis) {
    this.#options = options
    this.#paths = options.candidates.map(() => new LightPath())
    for (const path of this.#paths.keys()) this.#check(path, now)
  }

  /** Takes a STUN message that came from a candidate. */
  handleStun(path: number, bytes: Uint8Array, now: Millis): void {
    const message = parseStunMessage(bytes)
    if (typeof message === 'string') return
    if (message.type === BINDING_REQUEST) this.#handleRequest(path, bytes, message)
    else if (message.type === BINDING_SUCCESS) this.#handleSuccess(path, bytes, message, now)
  }

  /** Takes note that something came on a path. */
  noteArrival(path: number, now: Millis): void {
    const known = this.#paths[path]
    if (known !== undefined) known.heardAt = now
  }

  /** Sends the checks that are due. */
  handleTimeout(now: Millis): void {
    const heardAt = this.#paths[this.selected]?.heardAt ?? now
    const isWeak = now >= heardAt + RECEIVING_TIMEOUT
    for (const [index, path] of this.#paths.entries()) {
      if (now >= path.sentAt + path.checkInterval(isWeak)) this.#check(index, now)
    }
  }

  #handleRequest(path: number, bytes: Uint8Array, message: StunMessage): void {
    const { localMac, candidates, transmit } = this.#options
    const candidate = candidates[path]
    if (candidate === undefined || checkIntegrity(bytes, localMac) !== 'valid') return
    const mapped = [xorMappedAddress(candidate, message.transactionId)]
    const protect = { integrity: localMac, fingerprint: true }
    transmit(path, encodeStunMessage(BINDING_SUCCESS, message.transactionId, mapped, protect))
    if (findAttribute(message, ATTRIBUTE_ICE_CONTROLLING) !== undefined) this.#isControlling = false
    if (findAttribute(message, ATTRIBUTE_USE_CANDIDATE) !== undefined) this.#handleNomination(path, message)
  }

  /** Of nominations the one with the highest number counts, draft-thatcher-ice-renomination-01 section 3.2. */
  #handleNomination(path: number, message: StunMessage): void {
    const value = findAttribute(message, ATTRIBUTE_NOMINATION)
    const number = (value && readNumber(value)) ?? 0
    if (number < this.#nomination) return
    this.#nomination = number
    this.#nominated = path
    if (this.#paths[path]?.isValid === true) this.selected = path
  }

  #handleSuccess(path: number, bytes: Uint8Array, message: StunMessage, now: Millis): void {
    const known = this.#paths[path]
    if (known === undefined || !equalBytes(known.transactionId, message.transactionId)) return
    if (checkIntegrity(bytes, this.#options.remoteMac) !== 'valid') return
    known.answers++
    known.isAnswered = true
    this.noteArrival(path, now)
    if (this.selected < 0 || this.#nominated === path) this.selected = path
  }

  #check(index: number, now: Millis): void {
    const path = this.#paths[index]
    if (path === undefined) return
    const { username: name, remoteMac, randomBytes, transmit } = this.#options
    path.transactionId = randomBytes(TRANSACTION_ID_BYTES)
    path.sentAt = now
    path.isAnswered = false
    const role = this.#isControlling ? iceControlling(this.#tieBreaker) : iceControlled(this.#tieBreaker)
    const nomination = this.#options.nominates === true && this.#isControlling ? [useCandidate()] : []
    const attributes = [username(name), role, priority(HOST_PRIORITY), ...nomination]
    const protect = { integrity: remoteMac, fingerprint: true }
    transmit(index, encodeStunMessage(BINDING_REQUEST, path.transactionId, attributes, protect))
  }
}

/** The state of one path. */
class LightPath {
  answers = 0
  transactionId: Uint8Array = new Uint8Array(0)
  sentAt: Millis = millisOf(0)
  heardAt: Millis = millisOf(0)
  /** Whether the latest check has been answered. */
  isAnswered = false

  get isValid(): boolean {
    return this.answers > 0
  }

  checkInterval(isWeak: boolean): number {
    if (this.answers < FIRST_CHECKS) return FIRST_INTERVAL
    return this.isAnswered && !isWeak ? STABLE_INTERVAL : UNSTABLE_INTERVAL
  }
}

// The times of libwebrtc's p2p/base/p2p_constants.h.

/** Checks that are sent at once, one soon after the other. */
const FIRST_CHECKS = 3
const FIRST_INTERVAL = 48
/** Between checks of a path that answers; and of one that has missed an answer, or while nothing is received. */
const STABLE_INTERVAL = 2_500
const UNSTABLE_INTERVAL = 900
/** The selected path is not receiving when nothing has come for this long. */
const RECEIVING_TIMEOUT = 2_500

/** RFC 8445 section 5.1.2.1: a peer-reflexive candidate, as PRIORITY tells it. */
const HOST_PRIORITY = 110 * 2 ** 24 + 65_535 * 2 ** 8 + 255
