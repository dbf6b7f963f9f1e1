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
import type { Check, CheckKind } from './checks.ts'
import { Contest, ROUND_INTERVAL } from './contest.ts'
import { generationOf } from './credentials.ts'
import type { Generation, IceCredentials } from './credentials.ts'
import { Hush } from './hush.ts'
import type { Answer } from './hush.ts'
import { bindingRequest, bindingSuccess, unknownAttributesError, unknownRequired } from './messages.ts'
import type { IcePath } from './path.ts'
import { CONSENT_INTERVAL, challengerOf, hasSpokenSince, refugeFrom, SILENCE } from './path-choice.ts'
import { IcePaths } from './paths.ts'
import type { RankOf, StunArrival } from './paths.ts'

/** Credentials and sources of one agent. */
export interface IceParameters extends IceCredentials {
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
  readonly #tieBreaker = new Uint8Array(8).fill(0xff)
  readonly #paths: IcePaths
  readonly #checks = new Checks()
  readonly #commands: IceCommand[] = []
  #current: Generation
  /** The credentials of a restart under which no path has answered yet. */
  #next: Generation | undefined
  #isControlling = true
  #roleSwitches = 0
  #peerControls = false
  #nomination = 0
  #selected: IcePath | undefined
  #nominated: IcePath | undefined
  #nominateAt: Millis | undefined
  #contest: Contest | undefined
  #hush: Hush | undefined
  /** Whether a client that clings to its own choice may be hushed: once, at the beginning. */
  #mayHush = false
  #mayMoveAt: Millis
  #mayLeaveTcpAt: Millis
  #mayImproveAt: Millis
  #improvementPause = FIRST_IMPROVEMENT_PAUSE
  #consentBase: Millis
  #hasExpired = false

  constructor(parameters: IceParameters, now: Millis) {
    this.#parameters = parameters
    this.#paths = new IcePaths(parameters.rankOf)
    this.#current = generationOf(parameters, 0)
    this.#consentBase = now
    this.#mayMoveAt = now
    this.#mayLeaveTcpAt = now
    this.#mayImproveAt = now
  }

  /** The path that media takes. */
  get selected(): IcePath | undefined {
    return this.#selected
  }

  /** Every path known, the order of arrival. */
  get paths(): readonly IcePath[] {
    return this.#paths.all
  }

  /** The client's user name fragment; that of a restart from its beginning on. */
  get remoteUfrag(): string {
    return (this.#next ?? this.#current).remoteUfrag
  }

  /**
   * Begins an ICE restart, RFC 8445 section 9. Both pairs of credentials are good until a path has answered under
   * the new one; media and its path stay as they are until then.
   */
  restart(credentials: IceCredentials): void {
    const abandoned = this.#next
    this.#next = generationOf(credentials, (abandoned ?? this.#current).number + 1)
    if (abandoned !== undefined) this.#checks.abandon((check) => check.generation === abandoned)
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
    earliest = Math.min(earliest, this.#contest?.endsAt ?? earliest, this.#hush?.pollTimeout() ?? earliest)
    for (const path of this.#paths.all) {
      if (path.isValid) earliest = Math.min(earliest, path.checkAt)
      if (path !== this.#selected) earliest = Math.min(earliest, endOf(path))
    }
    if (this.#selected?.isValid === true && this.#hush === undefined)
      earliest = Math.min(earliest, this.#silenceDeadline(this.#selected))
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
    this.#forgetPaths(now)
    this.#resendChecks(now)
    this.#nominateWhenDue(now)
    this.#checkPaths(now)
    this.#judge(now)
    this.#endHushWhenOver(now)
    this.#leaveSilentPath(now)
  }

  /** Takes the next thing to do. */
  nextCommand(): IceCommand | undefined {
    return this.#commands.shift()
  }

  #handleRequest(arrival: StunArrival, now: Millis): IcePath | IceFault {
    const { bytes, message, link } = arrival
    const generation = this.#generationNamedBy(message)
    if (generation === undefined) return 'ice-username'
    if (checkIntegrity(bytes, generation.localMac) !== 'valid') return 'ice-integrity'
    const path = this.#pathOf(arrival, now)
    if (path === undefined) return 'ice-stranger-path'
    path.heardAt = now
    path.link = link
    const unknown = unknownRequired(message)
    if (unknown.length > 0) {
      this.#transmit(path, unknownAttributesError(message, unknown, generation.localMac), false)
      return 'ice-unknown-attribute'
    }
    // First, so that a client that believes itself in control learns better before it can nominate more, docs/ice.md.
    this.#checkBack(path, generation, now)
    this.#answer({ path, message: bindingSuccess(message, path.client, generation.localMac) }, now)
    this.#hastenConsent(path, now)
    this.#selectFirst(path, now)
    this.#settleControl(message, path)
    return path
  }

  #generationNamedBy(message: StunMessage): Generation | undefined {
    const username = findAttribute(message, ATTRIBUTE_USERNAME)
    const name = username && fromUtf8(username)
    return [this.#current, this.#next].find((generation) => generation?.localUsername === name)
  }

  #answer(answer: Answer, now: Millis): void {
    const due = this.#hush === undefined ? answer : this.#hush.handleAnswer(answer, now)
    if (due !== undefined) this.#transmit(due.path, due.message, true)
  }

  /** A triggered check, RFC 8445 section 7.3.1.4, unless the path has answered one, or is asked already. */
  #checkBack(path: IcePath, generation: Generation, now: Millis): void {
    if (path.isValid && path.generation >= generation.number) return
    if (this.#checks.some((check) => check.path === path && check.generation === generation)) return
    this.#check(path, 'ordinary', now, generation)
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
    const check = this.#checks.find(message.transactionId)
    if (check === undefined) return 'ice-unknown-transaction'
    if (checkIntegrity(bytes, check.generation.remoteMac) !== 'valid') return 'ice-integrity'
    this.#checks.end(check)
    // RFC 8445 section 7.2.5.2.1: the response must come from where the request went.
    if (!check.path.matches(vip, client, 0)) return 'ice-asymmetric'
    if (message.type === BINDING_ERROR) return this.#handleErrorResponse(message, check, now)
    const { path, generation } = check
    path.quality.noteAnswer(check.isResent ? undefined : now - check.sentAt)
    this.#contest?.noteAnswer(path)
    path.heardAt = now
    path.link = link
    const wasValid = path.isValid
    path.consentAt = now
    path.generation = Math.max(path.generation, generation.number)
    this.#consentBase = now
    if (generation === this.#next) this.#completeRestart(generation, path, now)
    else if (!wasValid) this.#handleValid(path, now)
    this.#followClient(path, now)
    this.#leaveTcp(path, now)
    this.#judge(now)
    this.#challenge(now)
    return path
  }

  #handleValid(path: IcePath, now: Millis): void {
    path.checkAt = this.#nextCheckAt(path, now)
    if (this.#selected?.isValid !== true) this.#select(path)
    if (path.rank === 0 && this.#nominated === undefined) this.#hold(path, now)
  }

  /** The first path that answers under the new credentials carries media; those of the old ones are done with. */
  #completeRestart(generation: Generation, path: IcePath, now: Millis): void {
    this.#current = generation
    this.#next = undefined
    for (const old of this.#paths.all) if (old.generation < generation.number) old.consentAt = undefined
    this.#checks.abandon((check) => check.generation !== generation)
    this.#nominated = undefined
    this.#contest = undefined
    this.#nominateAt = millisOf(now + NOMINATION_WAIT)
    this.#handleValid(path, now)
  }

  /**
   * A client that speaks through the same port of the same VIP from a new address, while its old one is silent, has
   * moved: its NAT has rebound, or it has changed networks. The call follows as soon as the new path answers.
   */
  #followClient(path: IcePath, now: Millis): void {
    const selected = this.#selected
    if (selected === undefined || path === selected || now < this.#mayMoveAt) return
    if (path.vip !== selected.vip || path.listener !== selected.listener || path.isTcp !== selected.isTcp)
      return
    if (path.enteredAt <= selected.heardAt || now < selected.heardAt + SILENCE_OF_MOVED) return
    this.#mayMoveAt = millisOf(now + MOVE_DAMPING)
    this.#nominate(path, now)
  }

  /** TCP is for want of UDP: a path on UDP that answers takes the call over, unless one has just failed. */
  #leaveTcp(path: IcePath, now: Millis): void {
    const isWanted = this.#nominated?.isTcp === true && !path.isTcp
    if (isWanted && now >= this.#mayLeaveTcpAt && !this.#peerControls) this.#nominate(path, now)
  }

  /** Begins to compare the path in use with one that seems better, if the call has rested long enough. */
  #challenge(now: Millis): void {
    const selected = this.#selected
    const isSettled = selected?.isValid === true && selected === this.#nominated && !this.#peerControls
    if (!isSettled || this.#contest !== undefined || this.#hush !== undefined) return
    if (now < this.#mayImproveAt) return
    const challenger = challengerOf(selected, this.#paths.all, this.#parameters.isLinkLost, now)
    if (challenger === undefined) return
    this.#contest = new Contest(selected, challenger, now)
    selected.checkAt = now
    challenger.checkAt = now
  }

  /** Ends a comparison that is decided. */
  #judge(now: Millis): void {
    const contest = this.#contest
    const verdict = contest?.verdict(now)
    if (contest === undefined || verdict === undefined) return
    this.#contest = undefined
    this.#mayImproveAt = millisOf(now + this.#improvementPause)
    if (verdict === 'stay' || contest.champion !== this.#selected) return
    this.#improvementPause = Math.min(this.#improvementPause * 2, LONGEST_IMPROVEMENT_PAUSE)
    this.#mayImproveAt = millisOf(now + this.#improvementPause)
    this.#nominate(contest.challenger, now)
  }

  /** RFC 8445 section 7.2.5.1: on a role conflict that the peer won, switch and try again. */
  #handleErrorResponse(message: StunMessage, check: Check, now: Millis): IceFault {
    const value = findAttribute(message, ATTRIBUTE_ERROR_CODE)
    const isConflict = value !== undefined && readErrorCode(value)?.code === ERROR_ROLE_CONFLICT
    if (isConflict && this.#roleSwitches < MAX_ROLE_SWITCHES) {
      if (this.#isControlling === check.isControlling) this.#roleSwitches++
      this.#isControlling = !check.isControlling
      this.#check(check.path, 'ordinary', now, check.generation)
    }
    return 'ice-error-response'
  }

  #resendChecks(now: Millis): void {
    for (let due = this.#checks.nextDue(now); due !== undefined; due = this.#checks.nextDue(now)) {
      const { check, verdict } = due
      if (verdict === 'resend') this.#transmit(check.path, check.request, false)
      else this.#handleUnanswered(check, now)
    }
  }

  #handleUnanswered(check: Check, now: Millis): void {
    check.path.quality.noteLoss()
    if (check.kind === 'nominate') this.#nominated = undefined
    if (check.path === this.#selected) this.#challenge(now)
  }

  #nominateWhenDue(now: Millis): void {
    if (this.#nominateAt === undefined || now < this.#nominateAt) return
    this.#nominateAt = undefined
    if (this.#nominated !== undefined || this.#peerControls) return
    const best = this.#paths.best()
    if (best !== undefined) this.#hold(best, now)
    else this.#nominateAt = millisOf(now + NOMINATION_WAIT)
  }

  /** Nominates the path on which the call is to begin, or to go on after a restart. */
  #hold(path: IcePath, now: Millis): void {
    this.#nominate(path, now)
    this.#mayHush = true
  }

  /** Nominates `path`, or renominates it with a higher number (draft-thatcher-ice-renomination). */
  #nominate(path: IcePath, now: Millis): void {
    this.#nominateAt = undefined
    this.#contest = undefined
    this.#hush = undefined
    this.#mayHush = false
    this.#mayImproveAt = millisOf(Math.max(this.#mayImproveAt, now + FIRST_IMPROVEMENT_PAUSE))
    this.#nomination++
    this.#nominated = path
    this.#checks.abandon((check) => check.kind === 'nominate')
    this.#check(path, 'nominate', now)
    this.#select(path)
  }

  #checkPaths(now: Millis): void {
    for (const path of this.#paths.all) {
      if (!path.isValid || now < path.checkAt) continue
      path.checkAt = this.#nextCheckAt(path, now)
      this.#check(path, 'consent', now)
    }
  }

  /** Asks every path when the one in use has gone silent, and moves to the best that has spoken since. */
  #leaveSilentPath(now: Millis): void {
    const selected = this.#selected
    if (selected === undefined || !selected.isValid || this.#hush !== undefined) return
    if (now < this.#silenceDeadline(selected) || this.#beginHush(selected, now)) return
    const alive = refugeFrom(selected, this.#paths.all, this.#parameters.isLinkLost, now)
    if (alive?.isTcp === true) this.#mayLeaveTcpAt = millisOf(now + TCP_STAY)
    const hasSpoken = alive !== undefined && hasSpokenSince(alive, selected)
    this.#mayMoveAt = millisOf(now + (hasSpoken ? MOVE_DAMPING : PROBE_INTERVAL))
    if (alive !== undefined) this.#nominate(alive, now)
    else for (const path of this.#paths.all) if (path.isValid) this.#check(path, 'consent', now)
  }

  /** Falls silent on the path that the client uses in spite of the nomination; false: that is not why none is heard. */
  #beginHush(selected: IcePath, now: Millis): boolean {
    const isOurs = selected === this.#nominated && !selected.isTcp && !this.#peerControls
    if (!isOurs || !this.#mayHush || this.#parameters.isLinkLost(selected.link)) return false
    const others = this.#paths.all.filter((path) => path !== selected && path.isValid && !path.isTcp)
    const clung = others.toSorted((a, b) => b.heardAt - a.heardAt)[0]
    if (clung === undefined || !isClungTo(clung, selected)) return false
    this.#mayHush = false
    const awaited = others.filter((path) => path !== clung && !this.#parameters.isLinkLost(path.link))
    this.#hush = new Hush(clung, selected, awaited, now)
    this.#checks.abandon((check) => check.path === clung)
    clung.checkAt = this.#hush.endsAt
    return true
  }

  /** A client that has not followed has its way. */
  #endHushWhenOver(now: Millis): void {
    const hush = this.#hush
    const isLost = hush !== undefined && this.#parameters.isLinkLost(hush.nominated.link)
    const verdict = isLost ? 'failed' : hush?.verdict(now)
    if (hush === undefined || verdict === undefined) return
    this.#hush = undefined
    hush.clung.checkAt = now
    for (const { path, message } of hush.answersInTheEnd()) this.#transmit(path, message, true)
    if (verdict === 'failed' && now < hush.clung.heardAt + SILENCE) this.#nominate(hush.clung, now)
  }

  /** RFC 7675 section 5.1 for each path: without an answer for 30 s it is given up, and media leaves it. */
  #forgetPaths(now: Millis): void {
    const selected = this.#selected
    if (selected?.isValid === true && now >= endOf(selected)) {
      const other = this.#paths.all.find((path) => path.isValid && now < endOf(path))
      if (other === undefined) selected.consentAt = undefined
      else this.#nominate(other, now)
    }
    const ended = this.#paths.all.filter((path) => path !== this.#selected && now >= endOf(path))
    for (const path of ended) this.#forget(path)
  }

  #silenceDeadline(selected: IcePath): Millis {
    const silence = this.#parameters.isLinkLost(selected.link) ? SILENCE_OF_LOST : SILENCE
    return millisOf(Math.max(selected.heardAt + silence, this.#mayMoveAt))
  }

  #check(path: IcePath, kind: CheckKind, now: Millis, generation = this.#current): void {
    const isControlling = this.#isControlling
    const transactionId = this.#parameters.randomBytes(12)
    const request = bindingRequest(transactionId, {
      username: generation.remoteUsername,
      mac: generation.remoteMac,
      tieBreaker: this.#tieBreaker,
      isControlling,
      nomination: kind === 'nominate' && isControlling ? this.#nomination : undefined,
    })
    this.#checks.begin({ path, transactionId, request, kind, generation, isControlling }, now)
    this.#transmit(path, request, false)
  }

  #pathOf(arrival: StunArrival, now: Millis): IcePath | undefined {
    const known = this.#paths.find(arrival)
    if (known !== undefined) return known
    const path = this.#paths.enter(arrival, now)
    const victim = path && this.#paths.victimOf(path, this.#selected)
    if (victim !== undefined) this.#forget(victim)
    return path
  }

  #forget(path: IcePath): void {
    this.#paths.remove(path)
    this.#checks.abandon((check) => check.path === path)
    if (this.#nominated === path) this.#nominated = undefined
    if (this.#contest?.includes(path) === true) this.#contest = undefined
    if (path === this.#hush?.clung) this.#hush = undefined
    this.#commands.push({ type: 'forget', path })
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
  #nextCheckAt(path: IcePath, now: Millis): Millis {
    if (this.#contest?.includes(path) === true) return millisOf(now + ROUND_INTERVAL)
    const random = (this.#parameters.randomBytes(1)[0] ?? 0) / 255
    return millisOf(now + CONSENT_INTERVAL * (0.8 + 0.4 * random))
  }

  #consentDeadline(): Millis {
    return millisOf(this.#consentBase + CONSENT_LIFETIME)
  }
}

/** Tells whether a client sends by `clung`, while it only answers our checks on the path that is nominated. */
function isClungTo(clung: IcePath, nominated: IcePath): boolean {
  const speaksUnasked = clung.heardAt !== clung.consentAt && clung.heardAt > nominated.heardAt + SILENCE / 2
  return speaksUnasked && nominated.heardAt === nominated.consentAt
}

/** When a path is given up: consent has expired, or nobody who never gave it has spoken. */
function endOf(path: IcePath): Millis {
  return millisOf((path.consentAt ?? path.heardAt) + CONSENT_LIFETIME)
}

/**
 * How long the best path is waited for before a lesser one is nominated. Chromium checks the candidates 50 ms apart,
 * the best one last; media does not wait, it flows on the first path.
 */
const NOMINATION_WAIT = 1000
/** A path whose last answer is older than this has missed one. */
const CONSENT_OVERDUE = 1.5 * CONSENT_INTERVAL
/** Consent expires this long after the last answered check, RFC 7675 section 5.1. */
const CONSENT_LIFETIME = 30_000
/** Silence that is enough when the relay is lost: what still comes through proves that it is not. */
const SILENCE_OF_LOST = 200
/** Silence of a client's old address that is enough when it speaks from a new one: ten packets. */
const SILENCE_OF_MOVED = 200
/** How often the paths are asked while the selected one is silent. */
const PROBE_INTERVAL = 200
/** After a move the call stays where it is for at least this long. */
const MOVE_DAMPING = 3000
/** A call that had to flee to TCP stays there for this long: UDP that fails for media may still carry checks. */
const TCP_STAY = 30_000
/** After a move or a comparison no better path is sought for this long, doubled with each move for the better. */
const FIRST_IMPROVEMENT_PAUSE = 10_000
const LONGEST_IMPROVEMENT_PAUSE = 160_000
/** A peer that answers every role with a conflict is left alone after this many. */
const MAX_ROLE_SWITCHES = 4
