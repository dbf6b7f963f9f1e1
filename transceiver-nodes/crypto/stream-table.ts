/**
 * Keeps what SRTP must remember of each stream, by SSRC: RFC 3711 section 3.2.3.
 *
 * A call has a handful of streams, so a walk over a few words is faster than any map.
 */

/** A bounded table of streams. */
export class StreamTable<Stream> {
  readonly #ssrcs = new Int32Array(MAX_SRTP_STREAMS)
  readonly #streams: Stream[] = []

  get isFull(): boolean {
    return this.#streams.length === MAX_SRTP_STREAMS
  }

  /** Finds the stream of `ssrc`, a signed word. */
  find(ssrc: number): Stream | undefined {
    for (let i = 0; i < this.#streams.length; i++) {
      if (this.#ssrcs[i] === ssrc) return this.#streams[i]
    }
    return undefined
  }

  /** Enters `stream` for an `ssrc` that is not there; throws a `RangeError` when full. */
  add(ssrc: number, stream: Stream): Stream {
    if (this.isFull) throw new RangeError(`more than ${MAX_SRTP_STREAMS} streams`)
    this.#ssrcs[this.#streams.length] = ssrc
    this.#streams.push(stream)
    return stream
  }
}

/** Streams of one session and direction: a browser's audio needs one or two, and a few more over its renegotiations. */
export const MAX_SRTP_STREAMS = 16
