/**
 * The ICE agent of one session: RFC 8445 as a full agent that takes control, RFC 7675 consent. docs/ice.md
 * gives the departures from both, with the reasons.
 *
 * It never gathers: its candidates are the relays' VIPs that stand in the answer, and its paths begin with
 * the client's own checks, which arrive through the relays. It answers every check that verifies, for ever;
 * it lets media flow on the first of them, and then nominates the best path that has answered back.
 *
 * Here messages are verified and paths kept; `PathSelection` decides where the call goes, `Consent` how long it may, and
 * `Prober` sends the checks.
 *
 * Sans-IO. Call one `handle…` method, then drain `nextCommand` until it returns undefined, before the next.
 */

import { checkFingerprint, checkIntegrity } from '#shared/stun/integrity'
import { findAttribute } from '#shared/stun/message'
import { ATTRIBUTE_USERNAME, BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS } from '#shared/stun/registry'
import { fromUtf8 } from '#shared/bytes'
import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import type { Check } from './checks.ts'
import type { IceCommand, IceCommands } from './commands.ts'
import { Consent, endOf } from './consent.ts'
import { ROUND_INTERVAL } from './contest.ts'
import { Generations } from './credentials.ts'
import type { Generation, IceCredentials } from './credentials.ts'
import { bindingSuccess, unknownAttributesError, unknownRequired } from './messages.ts'
import type { IcePath } from './path.ts'
import type { IsLinkLost } from './path-choice.ts'
import { IcePaths } from './paths.ts'
import type { RankOf, StunArrival } from './paths.ts'
import { Prober } from './prober.ts'
import { PathSelection } from './path-selection.ts'

/** Credentials and sources of one agent. */
export interface IceParameters extends IceCredentials {
  readonly randomBytes: (length: number) => Uint8Array
  readonly rankOf: RankOf
  /** Tells whether the relay at a link has stopped answering. */
  readonly isLinkLost: IsLinkLost
}

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
  readonly #paths: IcePaths
  readonly #generations: Generations
  readonly #prober: Prober
  readonly #consent: Consent
  readonly #selection: PathSelection
  readonly #commands: IceCommands = []
  #hasExpired = false
  /** What `pollTimeout` has worked out, silence apart; undefined: something has changed since. */
  #deadline: Millis | undefined

  constructor(parameters: IceParameters, now: Millis) {
    const { rankOf, randomBytes, isLinkLost } = parameters
    this.#paths = new IcePaths(rankOf)
    this.#generations = new Generations(parameters)
    this.#prober = new Prober(this.#generations, randomBytes, this.#commands)
    this.#consent = new Consent(randomBytes, now)
    const [paths, prober, commands] = [this.#paths, this.#prober, this.#commands]
    this.#selection = new PathSelection({ paths, prober, commands, isLinkLost }, now)
  }

  /** The path that media takes. */
  get selected(): IcePath | undefined {
    return this.#selection.selected
  }

  /** Every path known, the order of arrival. */
  get paths(): readonly IcePath[] {
    return this.#paths.all
  }

  /** The client's user name fragment; that of a restart from its beginning on. */
  get remoteUfrag(): string {
    return this.#generations.latest.remoteUfrag
  }

  /**
   * Begins an ICE restart, RFC 8445 section 9. Both pairs of credentials are good until a path has answered under
   * the new one; media and its path stay as they are until then.
   */
  restart(credentials: IceCredentials): void {
    this.#change(() => {
      const abandoned = this.#generations.begin(credentials)
      this.#prober.checks.abandon((check) => check.generation === abandoned)
    })
  }

  /** Takes a STUN message; returns the path it came on, or why it was dropped. */
  handleStun(arrival: StunArrival, now: Millis): IcePath | IceFault {
    const { type } = arrival.message
    if (checkFingerprint(arrival.bytes) === 'wrong') return 'ice-fingerprint'
    if (type === BINDING_REQUEST) return this.#change(() => this.#handleRequest(arrival, now))
    if (type === BINDING_SUCCESS || type === BINDING_ERROR)
      return this.#change(() => this.#handleResponse(arrival, now))
    return 'ice-type'
  }

  /** When `handleTimeout` wants to be called: asked in every tick, so it is worked out anew only after a change. */
  pollTimeout(): Millis | undefined {
    if (this.#hasExpired) return undefined
    this.#deadline ??= this.#nextDeadline()
    return millisOf(Math.min(this.#deadline, this.#selection.silenceEndsAt))
  }

  /** Does what is due: retransmissions, nomination, consent checks, the move away from a silent path, expiry. */
  handleTimeout(now: Millis): void {
    if (!this.#hasExpired) this.#change(() => this.#doDue(now))
  }

  /** Takes the next thing to do. */
  nextCommand(): IceCommand | undefined {
    return this.#commands.shift()
  }

  /** Whatever may change a deadline runs in here, so that none that is kept outlives its reasons. */
  #change<Result>(work: () => Result): Result {
    this.#deadline = undefined
    return work()
  }

  /** Packets that arrive put deadlines off (`heardAt`), and never bring one forward: at worst this is too early. */
  #nextDeadline(): Millis {
    const checks = this.#prober.checks.pollTimeout() ?? Infinity
    const consent = this.#consent.pollTimeout(this.#paths.all, this.selected)
    return millisOf(Math.min(checks, consent, this.#selection.pollTimeout()))
  }

  #handleRequest(arrival: StunArrival, now: Millis): IcePath | IceFault {
    const { bytes, message, link } = arrival
    const username = findAttribute(message, ATTRIBUTE_USERNAME)
    const generation = this.#generations.namedBy(username && fromUtf8(username))
    if (generation === undefined) return 'ice-username'
    if (checkIntegrity(bytes, generation.localMac) !== 'valid') return 'ice-integrity'
    const path = this.#pathOf(arrival, now)
    if (path === undefined) return 'ice-stranger-path'
    path.heardAt = now
    path.link = link
    const unknown = unknownRequired(message)
    if (unknown.length > 0) {
      this.#refuse(path, unknownAttributesError(message, unknown, generation.localMac))
      return 'ice-unknown-attribute'
    }
    // First, so that a client that believes itself in control learns better before it can nominate more, docs/ice.md.
    this.#checkBack(path, generation, now)
    this.#selection.answer({ path, message: bindingSuccess(message, path.client, generation.localMac) }, now)
    this.#consent.hasten(path, now)
    this.#selection.handleRequest(path, message, now)
    return path
  }

  /** A triggered check, RFC 8445 section 7.3.1.4, unless the path has answered one, or is asked already. */
  #checkBack(path: IcePath, generation: Generation, now: Millis): void {
    if (path.isValid && path.generation >= generation.number) return
    const { checks } = this.#prober
    if (checks.some((check) => check.path === path && check.generation === generation)) return
    this.#prober.check(path, 'ordinary', now, generation)
  }

  #handleResponse(arrival: StunArrival, now: Millis): IcePath | IceFault {
    const { bytes, message, vip, link, client } = arrival
    const check = this.#prober.checks.find(message.transactionId)
    if (check === undefined) return 'ice-unknown-transaction'
    if (checkIntegrity(bytes, check.generation.remoteMac) !== 'valid') return 'ice-integrity'
    this.#prober.checks.end(check)
    // RFC 8445 section 7.2.5.2.1: the response must come from where the request went.
    if (!check.path.matches(vip, client, 0)) return 'ice-asymmetric'
    if (message.type === BINDING_ERROR) {
      this.#prober.handleError(message, check, now)
      return 'ice-error-response'
    }
    check.path.link = link
    this.#handleAnswer(check, now)
    return check.path
  }

  #handleAnswer({ path, generation, isResent, sentAt }: Check, now: Millis): void {
    const wasValid = path.isValid
    path.quality.noteAnswer(isResent ? undefined : now - sentAt)
    path.heardAt = now
    path.generation = Math.max(path.generation, generation.number)
    this.#consent.give(path, now)
    const hasRestarted = this.#generations.handleAnswer(generation)
    if (hasRestarted) this.#leaveOldCredentials(generation, now)
    const isFirst = hasRestarted || !wasValid
    if (isFirst) path.checkAt = this.#nextCheckAt(path, now)
    this.#selection.handleAnswer(path, isFirst, now)
  }

  /** The first path that answers under the new credentials carries media; those of the old ones are done with. */
  #leaveOldCredentials(generation: Generation, now: Millis): void {
    for (const old of this.#paths.all) if (old.generation < generation.number) old.consentAt = undefined
    this.#prober.checks.abandon((check) => check.generation !== generation)
    this.#selection.restart(now)
  }

  #doDue(now: Millis): void {
    if (now >= this.#consent.expiresAt) return this.#expire()
    this.#giveUpPaths(now)
    this.#handleUnanswered(now)
    this.#selection.handleTimeout(now)
    // Last, since what is decided above may want a check at once.
    this.#checkPaths(now)
  }

  #expire(): void {
    this.#hasExpired = true
    this.#commands.push({ type: 'expire' })
  }

  /** RFC 7675 section 5.1 for each path: without an answer for 30 s it is given up, and media leaves it. */
  #giveUpPaths(now: Millis): void {
    const { selected } = this
    if (selected?.isValid === true && now >= endOf(selected)) {
      const other = this.#paths.all.find((path) => path.isValid && now < endOf(path))
      if (other === undefined) selected.consentAt = undefined
      else this.#selection.leaveFor(other, now)
    }
    const ended = this.#paths.all.filter((path) => path !== this.selected && now >= endOf(path))
    for (const path of ended) this.#forget(path)
  }

  #handleUnanswered(now: Millis): void {
    for (const check of this.#prober.resend(now)) {
      check.path.quality.noteLoss()
      this.#selection.handleUnanswered(check, now)
    }
  }

  #checkPaths(now: Millis): void {
    for (const path of this.#paths.all) {
      if (!path.isValid || now < path.checkAt) continue
      path.checkAt = this.#nextCheckAt(path, now)
      this.#prober.check(path, 'consent', now)
    }
  }

  #nextCheckAt(path: IcePath, now: Millis): Millis {
    return this.#selection.compares(path) ? millisOf(now + ROUND_INTERVAL) : this.#consent.nextCheckAt(now)
  }

  #pathOf(arrival: StunArrival, now: Millis): IcePath | undefined {
    const known = this.#paths.find(arrival)
    if (known !== undefined) return known
    const path = this.#paths.enter(arrival, now)
    const victim = path && this.#paths.victimOf(path, this.selected)
    if (victim !== undefined) this.#forget(victim)
    return path
  }

  #forget(path: IcePath): void {
    this.#paths.remove(path)
    this.#prober.checks.abandon((check) => check.path === path)
    this.#selection.forget(path)
    this.#commands.push({ type: 'forget', path })
  }

  #refuse(path: IcePath, message: Uint8Array): void {
    this.#commands.push({ type: 'transmit', path, message, binds: false })
  }
}
