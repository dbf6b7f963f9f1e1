/**
 * Selects the path of one call: puts it on one, leaves it there, and moves it when there is a reason. docs/ice.md,
 * "Life of a path".
 *
 * The reasons are units of their own, which say where to go and nominate nothing: `Moves` what must be, `Improvement` what
 * had better be, `Persuasion` what brings the client along. Each move ends what the others had under way; that is here.
 */

import type { StunMessage } from '#shared/stun/message'
import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import type { Check } from './checks.ts'
import type { IceCommands } from './commands.ts'
import type { Answer } from './hush.ts'
import { Improvement } from './improvement.ts'
import { Moves } from './moves.ts'
import { Nomination } from './nomination.ts'
import type { IcePath } from './path.ts'
import type { IsLinkLost } from './path-choice.ts'
import type { IcePaths } from './paths.ts'
import { Persuasion } from './persuasion.ts'
import type { Prober } from './prober.ts'

/** What the selection of a call's path works on. */
export interface PathSelectionParts {
  readonly paths: IcePaths
  readonly prober: Prober
  readonly commands: IceCommands
  readonly isLinkLost: IsLinkLost
}

/** Where one call goes. */
export class PathSelection {
  readonly #parts: PathSelectionParts
  readonly #nomination: Nomination
  readonly #moves: Moves
  readonly #improvement: Improvement
  readonly #persuasion: Persuasion

  constructor(parts: PathSelectionParts, now: Millis) {
    const { paths, prober, commands, isLinkLost } = parts
    this.#parts = parts
    this.#nomination = new Nomination(paths, prober, commands)
    this.#moves = new Moves(isLinkLost, now)
    this.#improvement = new Improvement(isLinkLost, now)
    this.#persuasion = new Persuasion(isLinkLost)
  }

  /** The path that media takes. */
  get selected(): IcePath | undefined {
    return this.#nomination.selected
  }

  /** Tells whether `path` is being compared with another, and so is to be checked often. */
  compares(path: IcePath): boolean {
    return this.#improvement.compares(path)
  }

  /** When `handleTimeout` wants to be called, but for silence. */
  pollTimeout(): Millis {
    const [nomination, improvement] = [this.#nomination.pollTimeout(), this.#improvement.pollTimeout()]
    const hush = this.#persuasion.pollTimeout()
    return millisOf(Math.min(nomination ?? Infinity, improvement ?? Infinity, hush ?? Infinity))
  }

  /**
   * When the path in use must be left unless something comes by it. Apart, since every packet and the state of the relay
   * change it, and nobody tells.
   */
  get silenceEndsAt(): Millis {
    const { selected } = this.#nomination
    if (selected?.isValid !== true || this.#persuasion.isUnderWay) return millisOf(Infinity)
    return this.#moves.silenceEndsAt(selected)
  }

  /** Takes a verified check of the client, on `path`. */
  handleRequest(path: IcePath, message: StunMessage, now: Millis): void {
    this.#nomination.selectFirst(path, now)
    this.#nomination.settleControl(message, path)
  }

  /** Sends the answer to a check, unless it is better withheld. */
  answer(answer: Answer, now: Millis): void {
    const due = this.#persuasion.handleAnswer(answer, now)
    if (due !== undefined) this.#transmit(due)
  }

  /** Takes note that a check of ours was answered on `path`; for the first time, or the first since a restart. */
  handleAnswer(path: IcePath, isFirst: boolean, now: Millis): void {
    this.#improvement.noteAnswer(path)
    if (isFirst && this.#nomination.handleValid(path)) this.#hold(path, now)
    if (this.#moves.followsClient(this.selected, path, now)) this.#move(path, now)
    if (this.#moves.leavesTcp(this.#nomination, path, now)) this.#move(path, now)
    this.#judge(now)
    this.#challenge(now)
    this.#descend(now)
  }

  /** Takes note that nobody answers a check of ours. */
  handleUnanswered(check: Check, now: Millis): void {
    if (check.kind === 'nominate') this.#nomination.handleUnanswered()
    if (check.path === this.selected) this.#challenge(now)
  }

  /** Begins anew under other credentials; media stays where it is. */
  restart(now: Millis): void {
    this.#nomination.restart(now)
    this.#improvement.abandon()
  }

  /** Moves the call to `path`, since that in use is given up. */
  leaveFor(path: IcePath, now: Millis): void {
    this.#move(path, now)
  }

  /** Takes note that a path is given up. */
  forget(path: IcePath): void {
    this.#nomination.forget(path)
    if (this.#improvement.compares(path)) this.#improvement.abandon()
    this.#persuasion.forget(path)
  }

  /** Does what is due. */
  handleTimeout(now: Millis): void {
    const toHold = this.#nomination.handleTimeout(now)
    if (toHold !== undefined) this.#hold(toHold, now)
    this.#judge(now)
    this.#endHush(now)
    if (now >= this.silenceEndsAt) this.#handleSilence(now)
  }

  /** Puts the call on the path where it is to begin, or to go on after a restart. */
  #hold(path: IcePath, now: Millis): void {
    this.#move(path, now)
    this.#persuasion.allow()
  }

  #move(path: IcePath, now: Millis): void {
    this.#persuasion.forbid()
    this.#improvement.rest(now)
    this.#nomination.nominate(path, now)
  }

  #challenge(now: Millis): void {
    const { held } = this.#nomination
    if (held?.isValid !== true || this.#persuasion.isUnderWay) return
    this.#improvement.challenge(held, this.#parts.paths.all, now)
  }

  /** Lets a call that is at the top begin anew at the foot, so that it can flee upwards again. */
  #descend(now: Millis): void {
    const { held } = this.#nomination
    if (held?.isValid !== true || this.#persuasion.isUnderWay) return
    const foot = this.#moves.descend(held, this.#parts.paths.all, now)
    if (foot !== undefined) this.#hold(foot, now)
  }

  #judge(now: Millis): void {
    const better = this.#improvement.judge(this.selected, now)
    if (better !== undefined) this.#move(better, now)
  }

  #endHush(now: Millis): void {
    const end = this.#persuasion.handleTimeout(now)
    for (const answer of end?.answers ?? []) this.#transmit(answer)
    if (end?.stays !== undefined) this.#move(end.stays, now)
  }

  /** Asks every path when the one in use has gone silent, and moves to the best that has spoken since. */
  #handleSilence(now: Millis): void {
    const { selected, held } = this.#nomination
    const { paths, prober } = this.#parts
    if (selected === undefined || (held !== undefined && this.#beginHush(held, now))) return
    const refuge = this.#moves.flee(selected, paths.all, now)
    if (refuge !== undefined) this.#move(refuge, now)
    else for (const path of paths.all) if (path.isValid) prober.check(path, 'consent', now)
  }

  #beginHush(held: IcePath, now: Millis): boolean {
    const { paths, prober } = this.#parts
    const clung = this.#persuasion.begin(held, paths.all, now)
    if (clung !== undefined) prober.checks.abandon((check) => check.path === clung)
    return clung !== undefined
  }

  #transmit({ path, message }: Answer): void {
    this.#parts.commands.push({ type: 'transmit', path, message, binds: true })
  }
}
