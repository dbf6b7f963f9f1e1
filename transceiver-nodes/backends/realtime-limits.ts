/** What bounds a conversation with a `realtime` backend: docs/backends.md has the table. */

/** Every bound; tests shorten the times. */
export interface RealtimeLimits {
  /** Attempts to begin a session, the first one included. */
  readonly attempts: number
  /** How long one attempt may take, from the first packet to `session.created`. */
  readonly attemptMillis: number
  /** The pause before the second attempt; each further one doubles it. */
  readonly backOffMillis: number
  /** A connection that is silent for one period is pinged, and given up after another. */
  readonly pingMillis: number
  /** The largest message taken: an item of a minute's audio. */
  readonly messageBytes: number
  /** Messages and bytes taken at once, and per second in the long run. */
  readonly messageBurst: number
  readonly messagesPerSecond: number
  readonly byteBurst: number
  readonly bytesPerSecond: number
  /** Bytes that wait to be sent before microphone audio is dropped: about two seconds of it. */
  readonly unsentAudioBytes: number
  /** Bytes that wait to be sent before the backend counts as stalled. */
  readonly unsentBytes: number
  /** Client events held until the session has begun: how many, and how many characters of them. */
  readonly heldEvents: number
  readonly heldCharacters: number
  /** Messages of microphone audio held until then, each of 20 ms: the first words of an impatient user. */
  readonly heldAudio: number
}

/** The bounds in service. */
export const REALTIME_LIMITS: RealtimeLimits = {
  attempts: 4,
  attemptMillis: 5_000,
  backOffMillis: 250,
  pingMillis: 10_000,
  messageBytes: 4_194_304,
  messageBurst: 5_000,
  messagesPerSecond: 500,
  byteBurst: 33_554_432,
  bytesPerSecond: 4_194_304,
  unsentAudioBytes: 131_072,
  unsentBytes: 4_194_304,
  heldEvents: 64,
  heldCharacters: 1_048_576,
  heldAudio: 100,
}
