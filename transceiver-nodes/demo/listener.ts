/**
 * The agent's ear: turns microphone audio into turns, and keeps what was said.
 *
 * With turn detection, a detector and the rules of turn taking find the turns; without it (`turn_detection: null`)
 * the client says when one ends, and everything since the last one is it.
 */

import type { TurnDetection } from '#shared/realtime/session-config'
import { BACKEND_SAMPLE_RATE_HZ } from '../backends/backend.ts'
import { Recording } from './recording.ts'
import { TurnTaking } from './turn-taking.ts'
import type { Span, TurnEvent, TurnRules } from './turn-taking.ts'
import { DETECTOR_FRAME_SAMPLES, FRAME_MILLIS, SpeechDetector } from './vad.ts'

/** One call's ear; it holds a detector until it is closed. */
export class Listener {
  readonly #onTurn: (event: TurnEvent) => void
  readonly #recording = new Recording()
  readonly #frame = new Int16Array(DETECTOR_FRAME_SAMPLES)
  #frameLength = 0
  readonly #turnTaking = new TurnTaking({ prefixPaddingMillis: 0, silenceMillis: 0, idleMillis: undefined })
  #detector: SpeechDetector | undefined
  #threshold: number | undefined
  /** Where the audio begins that a commit would take, when the client says where turns end. */
  #uncommittedMillis = 0

  constructor(onTurn: (event: TurnEvent) => void) {
    this.#onTurn = onTurn
  }

  /** The audio clock: milliseconds of audio heard. */
  get nowMillis(): number {
    return millisOfSamples(this.#recording.end)
  }

  /** Changes how turns are found; a turn in progress goes on unless detection is turned off. */
  configure(detection: TurnDetection | null): void {
    if ((detection === null) !== (this.#detector === undefined)) this.clear()
    this.#tune(detection === null ? undefined : thresholdOf(detection))
    if (detection !== null) this.#turnTaking.rules = rulesOf(detection)
  }

  /** Takes the next samples of the microphone; calls `onTurn` for each event in them. */
  handleAudio(samples: Int16Array): void {
    for (let at = 0; at < samples.length;) {
      const piece = samples.subarray(at, at + DETECTOR_FRAME_SAMPLES - this.#frameLength)
      this.#frame.set(piece, this.#frameLength)
      this.#frameLength += piece.length
      at += piece.length
      if (this.#frameLength === DETECTOR_FRAME_SAMPLES) this.#handleFrame()
    }
  }

  /** Copies what was heard in `span`, as far as it is still kept. */
  read(span: Span): Int16Array {
    return this.#recording.read(samplesOfMillis(span.fromMillis), samplesOfMillis(span.toMillis))
  }

  /** Ends the turn here, by hand: everything that is not yet in a turn is its audio. */
  commit(): Span {
    const span = { fromMillis: this.#heldMillis(), toMillis: this.nowMillis }
    this.clear()
    return span
  }

  /** Forgets what was heard and is in no turn. */
  clear(): void {
    this.#uncommittedMillis = this.nowMillis
    this.#turnTaking.reset(this.nowMillis)
  }

  /** Starts the idle time when a reply of `replyMillis` that begins now has been played. */
  expectSpeechAfter(replyMillis: number): void {
    this.#turnTaking.expectSpeech(this.nowMillis + replyMillis)
  }

  close(): void {
    this.#detector?.close()
    this.#detector = undefined
  }

  #tune(threshold: number | undefined): void {
    if (threshold === this.#threshold) return
    this.#threshold = threshold
    this.#detector?.close()
    this.#detector = threshold === undefined ? undefined : new SpeechDetector(threshold)
  }

  #handleFrame(): void {
    this.#frameLength = 0
    this.#recording.append(this.#frame)
    if (this.#detector !== undefined) this.#pollTurn(this.#detector.isSpeech(this.#frame))
    this.#recording.discardBefore(samplesOfMillis(this.#heldMillis()))
  }

  /** The handler reads the turn, so nothing of it is discarded before. */
  #pollTurn(isSpeech: boolean): void {
    const event = this.#turnTaking.handleFrame(isSpeech, FRAME_MILLIS, this.nowMillis)
    if (event !== undefined) this.#onTurn(event)
  }

  #heldMillis(): number {
    return this.#detector === undefined
      ? this.#uncommittedMillis
      : this.#turnTaking.holdFromMillis(this.nowMillis)
  }
}

function thresholdOf(detection: TurnDetection): number {
  return detection.type === 'server_vad' ? detection.threshold : SEMANTIC_THRESHOLD
}

/** This agent does not understand what is said, so eagerness can only be patience with silence. */
function rulesOf(detection: TurnDetection): TurnRules {
  if (detection.type === 'semantic_vad') {
    return {
      prefixPaddingMillis: SEMANTIC_PREFIX_MILLIS,
      silenceMillis: SILENCE_MILLIS_BY_EAGERNESS[detection.eagerness],
      idleMillis: undefined,
    }
  }
  return {
    prefixPaddingMillis: detection.prefix_padding_ms,
    silenceMillis: detection.silence_duration_ms,
    idleMillis: detection.idle_timeout_ms ?? undefined,
  }
}

function millisOfSamples(samples: number): number {
  return (samples * 1000) / BACKEND_SAMPLE_RATE_HZ
}

function samplesOfMillis(millis: number): number {
  return (millis * BACKEND_SAMPLE_RATE_HZ) / 1000
}

/** The API's defaults of `server_vad`, for `semantic_vad`, which does not name them. */
const SEMANTIC_THRESHOLD = 0.5
const SEMANTIC_PREFIX_MILLIS = 300

/** `auto` is `medium` by the API's definition. */
const SILENCE_MILLIS_BY_EAGERNESS = { low: 1200, medium: 700, auto: 700, high: 400 } as const
