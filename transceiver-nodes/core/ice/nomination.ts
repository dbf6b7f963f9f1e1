/**
 * Which path carries media, and who says so: RFC 8445 section 8.1.1 with renomination (draft-thatcher-ice-renomination-01).
 * docs/ice.md, "Life of a path" and "Peers that keep control".
 */

import { findAttribute } from '#shared/stun/message'
import type { StunMessage } from '#shared/stun/message'
import { ATTRIBUTE_ICE_CONTROLLING, ATTRIBUTE_USE_CANDIDATE } from '#shared/stun/registry'
import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import type { IceCommands } from './commands.ts'
import type { IcePath } from './path.ts'
import type { IcePaths } from './paths.ts'
import type { Prober } from './prober.ts'

/** The path that media takes, and the one that is nominated: the same, but for moments and peers that control. */
export class Nomination {
  readonly #paths: IcePaths
  readonly #prober: Prober
  readonly #commands: IceCommands
  #selected: IcePath | undefined
  #nominated: IcePath | undefined
  #peerControls = false
  #number = 0
  /** Until when the best path is waited for. */
  #waitsUntil: Millis | undefined

  constructor(paths: IcePaths, prober: Prober, commands: IceCommands) {
    this.#paths = paths
    this.#prober = prober
    this.#commands = commands
  }

  /** The path that media takes. */
  get selected(): IcePath | undefined {
    return this.#selected
  }

  /** The path that we have nominated. */
  get nominated(): IcePath | undefined {
    return this.#nominated
  }

  /** Whether the client goes on nominating, although it has seen our claim to control. */
  get peerControls(): boolean {
    return this.#peerControls
  }

  /** The path in use if it is the one that we have nominated, and the client lets us. */
  get held(): IcePath | undefined {
    return this.#selected === this.#nominated && !this.#peerControls ? this.#selected : undefined
  }

  /** When `handleTimeout` wants to be called. */
  pollTimeout(): Millis | undefined {
    return this.#waitsUntil
  }

  /** Media may flow on the first verified check: our own check's answer would cost a round trip. */
  selectFirst(path: IcePath, now: Millis): void {
    if (this.#selected !== undefined) return
    this.#select(path)
    this.#wait(now)
  }

  /**
   * A peer that answered one of our checks has seen our claim to control. If it still says that it controls, it
   * keeps to its own nominations (Firefox, libdatachannel, werift), and they are followed.
   */
  settleControl(message: StunMessage, path: IcePath): void {
    const claimsControl = findAttribute(message, ATTRIBUTE_ICE_CONTROLLING) !== undefined
    this.#peerControls = claimsControl && this.#paths.all.some((known) => known.isValid)
    if (!this.#peerControls) {
      if (this.#nominated?.isValid === true) this.#select(this.#nominated)
    } else if (path.isValid && findAttribute(message, ATTRIBUTE_USE_CANDIDATE) !== undefined) {
      this.#select(path)
    }
  }

  /** Takes note that a path has become valid; true: it is the one to hold the call on. */
  handleValid(path: IcePath): boolean {
    if (this.#selected?.isValid !== true) this.#select(path)
    return path.rank === 0 && this.#nominated === undefined
  }

  /** Returns the path to hold the call on when the preferred one has been waited for long enough. */
  handleTimeout(now: Millis): IcePath | undefined {
    if (this.#waitsUntil === undefined || now < this.#waitsUntil) return undefined
    this.#waitsUntil = undefined
    if (this.#nominated !== undefined || this.#peerControls) return undefined
    const best = this.#paths.best()
    if (best === undefined) this.#wait(now)
    return best
  }

  /** Nominates `path`, or renominates it with a higher number. */
  nominate(path: IcePath, now: Millis): void {
    this.#waitsUntil = undefined
    this.#nominated = path
    this.#prober.nominate(path, ++this.#number, now)
    this.#select(path)
  }

  /** Takes note that the client has not answered the nomination. */
  handleUnanswered(): void {
    this.#nominated = undefined
  }

  /** Begins anew under other credentials. */
  restart(now: Millis): void {
    this.#nominated = undefined
    this.#wait(now)
  }

  /** Takes note that a path is given up. */
  forget(path: IcePath): void {
    if (this.#nominated === path) this.#nominated = undefined
  }

  #wait(now: Millis): void {
    this.#waitsUntil = millisOf(now + NOMINATION_WAIT)
  }

  #select(path: IcePath): void {
    if (this.#selected === path) return
    this.#selected = path
    this.#commands.push({ type: 'select', path })
  }
}

/**
 * How long the best path is waited for before a lesser one is nominated. Chromium checks the candidates 50 ms apart,
 * the best one last; media does not wait, it flows on the first path.
 */
const NOMINATION_WAIT = 1000
