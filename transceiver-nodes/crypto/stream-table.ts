/**
 * Keeps what SRTP must remember of each stream, by SSRC: RFC 3711 section 3.2.3.
 *
 * A call has a handful of streams, so a walk is faster than any map.
 */

/** A bounded table of streams. */
export class StreamTable<Stream extends { readonly ssrc: number }> {
  readonly #streams: Stream[] = []
  /** The one that was asked for last, as nearly every packet is of one stream. */
  #latest: Stream | undefined

  get isFull(): boolean {
    return this.#streams.length === MAX_SRTP_STREAMS
  }

  /** Finds the stream of `ssrc`, a signed word. */
  find(ssrc: number): Stream | undefined {
    if (this.#latest?.ssrc === ssrc) return this.#latest
    for (const stream of this.#streams) {
      if (stream.ssrc === ssrc) return (this.#latest = stream)
    }
    return undefined
  }

  /** Enters a stream whose SSRC is not there, and returns it; throws a `RangeError` when full. */
  add(stream: Stream): Stream {
    if (this.isFull) throw new RangeError(`more than ${MAX_SRTP_STREAMS} streams`)
    this.#streams.push(stream)
    this.#latest = stream
    return stream
  }
}

/** Streams of one session and direction: a browser's audio needs one or two, and a few more over its renegotiations. */
export const MAX_SRTP_STREAMS = 16
