/**
 * The ICE agent of one session: RFC 8445 as a full agent that takes control, RFC 7675 consent. docs/ice.md
 * gives the departures from both, with the reasons.
 *
 * It never gathers: its candidates are the relays' VIPs that stand in the answer, and its paths begin with
 * the client's own checks, which arrive through the relays. It answers every check that verifies, for ever;
 * it lets media flow on the first of them, and then nominates the best path that has answered back.
 *
 * Sans-IO. Call one `handle…` method, then drain `nextCommand` until it returns undefined, before the next.
 */

import { checkFingerprint, checkIntegrity } from '#shared/stun/integrity'
import type { Hmac } from '#shared/stun/integrity'
import { findAttribute } from '#shared/stun/message'
import type { StunMessage } from '#shared/stun/message'
import { readErrorCode } from '#shared/stun/attributes'
import {
  ATTRIBUTE_ERROR_CODE,
  ATTRIBUTE_ICE_CONTROLLING,
  ATTRIBUTE_USE_CANDIDATE,
  ATTRIBUTE_USERNAME,
  BINDING_ERROR,
  BINDING_REQUEST,
  BINDING_SUCCESS,
  ERROR_ROLE_CONFLICT,
} from '#shared/stun/registry'
import { fromUtf8 } from '#shared/bytes'
import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import { Checks } from './checks.ts'
import type { CheckKind } from './checks.ts'
import { bindingRequest, bindingSuccess, unknownAttributesError, unknownRequired } from './messages.ts'
import type { IcePath } from './path.ts'
import { IcePaths } from './paths.ts'
import type { RankOf, StunArrival } from './paths.ts'

/** Credentials and sources of one agent. */
export interface IceParameters {
  readonly localUfrag: string
  readonly remoteUfrag: string
  /** HMAC-SHA1 under our password: verifies requests, protects responses. */
  readonly localMac: Hmac
  /** HMAC-SHA1 under the client's password: protects requests, verifies responses. */
  readonly remoteMac: Hmac
  readonly randomBytes: (length: number) => Uint8Array
  readonly rankOf: RankOf
  /** Tells whether the relay at a link has stopped answering. */
  readonly isLinkLost: (link: number) => boolean
}

/** What the agent wants done. */
export type IceCommand =
  /** Send a STUN message; `binds` asks the relay to keep the flow, since its owner has been verified. */
  | {
      readonly type: 'transmit'
      readonly path: IcePath
      readonly message: Uint8Array
      readonly binds: boolean
    }
  /** Media goes to this path from now on. */
  | { readonly type: 'select'; readonly path: IcePath }
  /** The path is given up: stop routing its packets here. */
  | { readonly type: 'forget'; readonly path: IcePath }
  /** Consent has expired: the session must end, RFC 7675 section 5.1. */
  | { readonly type: 'expire' }

/** Why a STUN message was dropped; the metric label. */
export type IceFault =
  | 'ice-type'
  | 'ice-username'
  | 'ice-integrity'
  | 'ice-fingerprint'
  | 'ice-unknown-attribute'
  | 'ice-stranger-path'
  | 'ice-unknown-transaction'
  | 'ice-asymmetric'
  | 'ice-error-response'

/** The ICE agent of one session. */
export class IceAgent {
  readonly #parameters: IceParameters
  readonly #username: string
  readonly #tieBreaker = new Uint8Array(8).fill(0xff)
  readonly #paths: IcePaths
  readonly #checks = new Checks()
  readonly #commands: IceCommand[] = []
  #isControlling = true
  #peerControls = false
  #nomination = 0
  #selected: IcePath | undefined
  #nominated: IcePath | undefined
  #nominateAt: Millis | undefined
  #mayMoveAt: Millis
  #mayLeaveTcpAt: Millis
  #consentBase: Millis
  #hasExpired = false

  constructor(parameters: IceParameters, now: Millis) {
    this.#parameters = parameters
    this.#paths = new IcePaths(parameters.rankOf)
    this.#username = `${parameters.localUfrag}:${parameters.remoteUfrag}`
    this.#consentBase = now
    this.#mayMoveAt = now
    this.#mayLeaveTcpAt = now
  }

  /** The path that media takes. */
  get selected(): IcePath | undefined {
    return this.#selected
  }

  /** Every path known, the order of arrival. */
  get paths(): readonly IcePath[] {
    return this.#paths.all
  }

  /** Takes a STUN message; returns the path it came on, or why it was dropped. */
  handleStun(arrival: StunArrival, now: Millis): IcePath | IceFault {
    const { type } = arrival.message
    if (checkFingerprint(arrival.bytes) === 'wrong') return 'ice-fingerprint'
    if (type === BINDING_REQUEST) return this.#handleRequest(arrival, now)
    if (type === BINDING_SUCCESS || type === BINDING_ERROR) return this.#handleResponse(arrival, now)
    return 'ice-type'
  }

  /** When `handleTimeout` wants to be called. */
  pollTimeout(): Millis | undefined {
    if (this.#hasExpired) return undefined
    let earliest: number = this.#consentDeadline()
    earliest = Math.min(earliest, this.#checks.pollTimeout() ?? earliest, this.#nominateAt ?? earliest)
    for (const path of this.#paths.all) if (path.isValid) earliest = Math.min(earliest, path.checkAt)
    if (this.#selected?.isValid) earliest = Math.min(earliest, this.#silenceDeadline(this.#selected))
    return millisOf(earliest)
  }

  /** Does what is due: retransmissions, nomination, consent checks, the move away from a silent path, expiry. */
  handleTimeout(now: Millis): void {
    if (this.#hasExpired) return
    if (now >= this.#consentDeadline()) {
      this.#hasExpired = true
      this.#commands.push({ type: 'expire' })
      return
    }
    this.#resendChecks(now)
    this.#nominateWhenDue(now)
    this.#checkPaths(now)
    this.#leaveSilentPath(now)
  }

  /** Takes the next thing to do. */
  nextCommand(): IceCommand | undefined {
    return this.#commands.shift()
  }

  #handleRequest(arrival: StunArrival, now: Millis): IcePath | IceFault {
    const { bytes, message, link } = arrival
    const username = findAttribute(message, ATTRIBUTE_USERNAME)
    if (username === undefined || fromUtf8(username) !== this.#username) return 'ice-username'
    if (checkIntegrity(bytes, this.#parameters.localMac) !== 'valid') return 'ice-integrity'
    const path = this.#pathOf(arrival, now)
    if (path === undefined) return 'ice-stranger-path'
    path.heardAt = now
    path.link = link
    const unknown = unknownRequired(message)
    if (unknown.length > 0) {
      this.#transmit(path, unknownAttributesError(message, unknown, this.#parameters.localMac), false)
      return 'ice-unknown-attribute'
    }
    this.#transmit(path, bindingSuccess(message, path.client, this.#parameters.localMac), true)
    if (!path.isValid && !this.#checks.some((check) => check.path === path))
      this.#check(path, 'ordinary', now)
    this.#hastenConsent(path, now)
    this.#selectFirst(path, now)
    this.#settleControl(message, path)
    return path
  }

  /** A client that is back is asked soon, so that consent which nobody could give meanwhile does not expire. */
  #hastenConsent(path: IcePath, now: Millis): void {
    const isOverdue = path.consentAt !== undefined && now >= path.consentAt + CONSENT_OVERDUE
    if (isOverdue) path.checkAt = millisOf(Math.min(path.checkAt, now + PROBE_INTERVAL))
  }

  /** Media may flow on the first verified check: our own check's answer would cost a round trip. */
  #selectFirst(path: IcePath, now: Millis): void {
    if (this.#selected !== undefined) return
    this.#select(path)
    this.#nominateAt = millisOf(now + NOMINATION_WAIT)
  }

  /**
   * A peer that answered one of our checks has seen our claim to control. If it still says that it controls, it
   * keeps to its own nominations (Firefox, libdatachannel, werift), and they are followed.
   */
  #settleControl(message: StunMessage, path: IcePath): void {
    const claimsControl = findAttribute(message, ATTRIBUTE_ICE_CONTROLLING) !== undefined
    this.#peerControls = claimsControl && this.#paths.all.some((known) => known.isValid)
    if (!this.#peerControls) {
      if (this.#nominated?.isValid === true) this.#select(this.#nominated)
    } else if (path.isValid && findAttribute(message, ATTRIBUTE_USE_CANDIDATE) !== undefined) {
      this.#select(path)
    }
  }

  #handleResponse(arrival: StunArrival, now: Millis): IcePath | IceFault {
    const { bytes, message, vip, link, client } = arrival
    if (checkIntegrity(bytes, this.#parameters.remoteMac) !== 'valid') return 'ice-integrity'
    const check = this.#checks.end(message.transactionId)
    if (check === undefined) return 'ice-unknown-transaction'
    // RFC 8445 section 7.2.5.2.1: the response must come from where the request went.
    if (!check.path.matches(vip, client, 0)) return 'ice-asymmetric'
    if (message.type === BINDING_ERROR) return this.#handleErrorResponse(message, check.path, now)
    const { path } = check
    path.roundTripMillis = now - check.sentAt
    path.heardAt = now
    path.link = link
    const wasValid = path.isValid
    path.consentAt = now
    this.#consentBase = now
    if (!wasValid) this.#handleValid(path, now)
    this.#leaveTcp(path, now)
    return path
  }

  #handleValid(path: IcePath, now: Millis): void {
    path.checkAt = this.#nextCheckAt(now)
    if (this.#selected?.isValid !== true) this.#select(path)
    if (path.rank === 0 && this.#nominated === undefined) this.#nominate(path, now)
  }

  /** TCP is for want of UDP: a path on UDP that answers takes the call over, unless one has just failed. */
  #leaveTcp(path: IcePath, now: Millis): void {
    const isWanted = this.#nominated?.isTcp === true && !path.isTcp
    if (isWanted && now >= this.#mayLeaveTcpAt && !this.#peerControls) this.#nominate(path, now)
  }

  /** RFC 8445 section 7.2.5.1: on a role conflict that the peer won, switch and try again. */
  #handleErrorResponse(message: StunMessage, path: IcePath, now: Millis): IceFault {
    const value = findAttribute(message, ATTRIBUTE_ERROR_CODE)
    if (value !== undefined && readErrorCode(value)?.code === ERROR_ROLE_CONFLICT) {
      this.#isControlling = !this.#isControlling
      this.#check(path, 'ordinary', now)
    }
    return 'ice-error-response'
  }

  #resendChecks(now: Millis): void {
    for (let due = this.#checks.nextDue(now); due !== undefined; due = this.#checks.nextDue(now)) {
      if (due.verdict === 'resend') this.#transmit(due.check.path, due.check.request, false)
      else if (due.check.isNominating) this.#nominated = undefined
    }
  }

  #nominateWhenDue(now: Millis): void {
    if (this.#nominateAt === undefined || now < this.#nominateAt) return
    this.#nominateAt = undefined
    if (this.#nominated !== undefined || this.#peerControls) return
    const best = this.#paths.best()
    if (best !== undefined) this.#nominate(best, now)
    else this.#nominateAt = millisOf(now + NOMINATION_WAIT)
  }

  /** Nominates `path`, or renominates it with a higher number (draft-thatcher-ice-renomination). */
  #nominate(path: IcePath, now: Millis): void {
    this.#nominateAt = undefined
    this.#nomination++
    this.#nominated = path
    this.#checks.abandon((check) => check.isNominating)
    this.#check(path, 'nominate', now)
    this.#select(path)
  }

  #checkPaths(now: Millis): void {
    for (const path of this.#paths.all) {
      if (!path.isValid || now < path.checkAt) continue
      path.checkAt = this.#nextCheckAt(now)
      this.#check(path, 'consent', now)
    }
  }

  /** Asks every path when the one in use has gone silent, and moves to the best that has spoken since. */
  #leaveSilentPath(now: Millis): void {
    const selected = this.#selected
    if (selected === undefined || !selected.isValid || now < this.#silenceDeadline(selected)) return
    const alive = this.#paths.all
      .filter((path) => path !== selected && path.isValid && this.#outlives(path, selected, now))
      .toSorted((a, b) => Number(a.isTcp) - Number(b.isTcp) || b.heardAt - a.heardAt || a.rank - b.rank)[0]
    if (alive?.isTcp === true) this.#mayLeaveTcpAt = millisOf(now + TCP_STAY)
    const hasSpoken = alive !== undefined && hasSpokenSince(alive, selected)
    this.#mayMoveAt = millisOf(now + (hasSpoken ? MOVE_DAMPING : PROBE_INTERVAL))
    if (alive !== undefined) this.#nominate(alive, now)
    else for (const path of this.#paths.all) if (path.isValid) this.#check(path, 'consent', now)
  }

  /**
   * A path outlives the silent one when it has spoken since. When the relay of the silent one is lost there is no
   * need to ask first: a path will do whose own relay answers, and on which the client did lately.
   */
  #outlives(path: IcePath, silent: IcePath, now: Millis): boolean {
    const { isLinkLost } = this.#parameters
    if (isLinkLost(path.link)) return false
    return hasSpokenSince(path, silent) || (isLinkLost(silent.link) && now < path.heardAt + FRESHNESS)
  }

  #silenceDeadline(selected: IcePath): Millis {
    const silence = this.#parameters.isLinkLost(selected.link) ? SILENCE_OF_LOST : SILENCE
    return millisOf(Math.max(selected.heardAt + silence, this.#mayMoveAt))
  }

  #check(path: IcePath, kind: CheckKind, now: Millis): void {
    const transactionId = this.#parameters.randomBytes(12)
    const request = bindingRequest(transactionId, {
      username: `${this.#parameters.remoteUfrag}:${this.#parameters.localUfrag}`,
      mac: this.#parameters.remoteMac,
      tieBreaker: this.#tieBreaker,
      isControlling: this.#isControlling,
      nomination: kind === 'nominate' && this.#isControlling ? this.#nomination : undefined,
    })
    this.#checks.begin(path, transactionId, request, kind, now)
    this.#transmit(path, request, false)
  }

  #pathOf(arrival: StunArrival, now: Millis): IcePath | undefined {
    const known = this.#paths.find(arrival)
    if (known !== undefined) return known
    const path = this.#paths.enter(arrival, now)
    const victim = path && this.#paths.takeVictim(path, this.#selected)
    if (victim !== undefined) {
      this.#checks.abandon((check) => check.path === victim)
      this.#commands.push({ type: 'forget', path: victim })
    }
    return path
  }

  #select(path: IcePath): void {
    if (this.#selected === path) return
    this.#selected = path
    this.#commands.push({ type: 'select', path })
  }

  #transmit(path: IcePath, message: Uint8Array, binds: boolean): void {
    this.#commands.push({ type: 'transmit', path, message, binds })
  }

  /** RFC 7675 section 5.1: a random factor of 0.8 to 1.2 keeps sessions from checking in step. */
  #nextCheckAt(now: Millis): Millis {
    const random = (this.#parameters.randomBytes(1)[0] ?? 0) / 255
    return millisOf(now + CONSENT_INTERVAL * (0.8 + 0.4 * random))
  }

  #consentDeadline(): Millis {
    return millisOf(this.#consentBase + CONSENT_LIFETIME)
  }
}

/** Tells whether `path` has spoken since `silent` fell silent. */
function hasSpokenSince(path: IcePath, silent: IcePath): boolean {
  return path.heardAt > silent.heardAt + SILENCE
}

/** How long the best path is waited for before a lesser one is nominated. */
const NOMINATION_WAIT = 100
/** Mean interval of consent checks on each path, RFC 7675 section 5.1. */
const CONSENT_INTERVAL = 5000
/** A path whose last answer is older than this has missed one. */
const CONSENT_OVERDUE = 1.5 * CONSENT_INTERVAL
/** Consent expires this long after the last answered check, RFC 7675 section 5.1. */
const CONSENT_LIFETIME = 30_000
/** A client sends at least 50 packets per second, so a path that carries nothing for this long is suspect. */
const SILENCE = 1000
/** The same for a path whose relay is lost: what still comes through proves that it is not. */
const SILENCE_OF_LOST = 200
/** A path on which the client was heard this recently has answered one of the last two consent checks. */
const FRESHNESS = 2 * 1.2 * CONSENT_INTERVAL
/** How often the paths are asked while the selected one is silent. */
const PROBE_INTERVAL = 200
/** After a move the call stays where it is for at least this long. */
const MOVE_DAMPING = 3000
/** A call that had to flee to TCP stays there for this long: UDP that fails for media may still carry checks. */
const TCP_STAY = 30_000
