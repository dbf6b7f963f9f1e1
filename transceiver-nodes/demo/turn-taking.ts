/**
 * Decides when the user's turn begins and ends, from one verdict per frame: speech, or not (docs/demo-agent.md).
 *
 * Its only clock is the audio itself: milliseconds of it received, silence included. A turn begins when speech has
 * lasted `MIN_SPEECH_MILLIS`, so that a click is no turn, and ends when silence has lasted as long as the rules say.
 */

/** The rules of `server_vad`, in milliseconds. */
export interface TurnRules {
  readonly prefixPaddingMillis: number
  readonly silenceMillis: number
  /** How long the user may be silent after the agent's reply; undefined is for ever. */
  readonly idleMillis: number | undefined
}

/** What the user did; all times are on the audio clock. */
export type TurnEvent =
  /** The turn's audio begins at `startMillis`, the prefix padding included. */
  | { readonly type: 'speech-started'; readonly startMillis: number }
  /** `turn` is the turn's audio, padding and silence included; `spoken` is from its first to its last speech. */
  | { readonly type: 'speech-stopped'; readonly turn: Span; readonly spoken: Span }
  /** Nothing was said for as long as the rules allow. */
  | { readonly type: 'idle'; readonly quiet: Span }

/** A stretch of the audio clock. */
export interface Span {
  readonly fromMillis: number
  readonly toMillis: number
}

/** One user's turns. */
export class TurnTaking {
  rules: TurnRules
  /** Where the speech heard last began and ended; undefined until there is some that may become a turn. */
  #speech: { fromMillis: number; toMillis: number } | undefined
  /** Where the turn's audio begins; undefined between turns. */
  #turnMillis: number | undefined
  /** The end of the turn before: a turn's padding never reaches into it. */
  #earliestMillis = 0
  #idleFromMillis: number | undefined

  constructor(rules: TurnRules) {
    this.rules = rules
  }

  /** Takes the verdict on the frame of `durationMillis` that ends at `now`. */
  handleFrame(isSpeech: boolean, durationMillis: number, now: number): TurnEvent | undefined {
    if (isSpeech) this.#extendSpeech(durationMillis, now)
    if (this.#turnMillis !== undefined) return isSpeech ? undefined : this.#pollEnd(now)
    if (isSpeech) return this.#pollStart()
    this.#speech = undefined
    return this.#pollIdle(now)
  }

  /** Starts the idle time at `fromMillis`: when the agent's reply has been played. */
  expectSpeech(fromMillis: number): void {
    this.#idleFromMillis = fromMillis
  }

  /** Forgets the turn in progress, and that anything was said before `now`. */
  reset(now: number): void {
    this.#speech = undefined
    this.#turnMillis = undefined
    this.#earliestMillis = now
    this.#idleFromMillis = undefined
  }

  /** The oldest audio that an event may still name. */
  holdFromMillis(now: number): number {
    return this.#turnMillis ?? this.#paddedStart(this.#speech?.fromMillis ?? now)
  }

  #extendSpeech(durationMillis: number, now: number): void {
    this.#speech ??= { fromMillis: now - durationMillis, toMillis: now }
    this.#speech.toMillis = now
  }

  #pollStart(): TurnEvent | undefined {
    const speech = this.#speech
    if (speech === undefined || speech.toMillis - speech.fromMillis < MIN_SPEECH_MILLIS) return undefined
    this.#turnMillis = this.#paddedStart(speech.fromMillis)
    this.#idleFromMillis = undefined
    return { type: 'speech-started', startMillis: this.#turnMillis }
  }

  #pollEnd(now: number): TurnEvent | undefined {
    const spoken = this.#speech
    if (spoken === undefined || now - spoken.toMillis < this.rules.silenceMillis) return undefined
    const turn = { fromMillis: this.holdFromMillis(now), toMillis: now }
    this.reset(now)
    return { type: 'speech-stopped', turn, spoken }
  }

  #pollIdle(now: number): TurnEvent | undefined {
    const from = this.#idleFromMillis
    if (from === undefined || this.rules.idleMillis === undefined) return undefined
    if (now - from < this.rules.idleMillis) return undefined
    this.#idleFromMillis = undefined
    return { type: 'idle', quiet: { fromMillis: from, toMillis: now } }
  }

  #paddedStart(speechMillis: number): number {
    return Math.max(this.#earliestMillis, speechMillis - this.rules.prefixPaddingMillis)
  }
}

/**
 * How long speech must last to be a turn. The detector takes up to 100 ms of any sudden noise for speech
 * (measured with white noise in mode 2), and no word is as short.
 */
export const MIN_SPEECH_MILLIS = 120
