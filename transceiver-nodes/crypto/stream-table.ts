/**
 * Keeps what SRTP must remember of each stream, by SSRC: RFC 3711 section 3.2.3.
 *
 * A call has a handful of streams, so a walk is faster than any map; and nearly every packet is of the stream of the last
 * one, which sender and receiver keep at hand.
 */

/** A bounded table of streams. */
export class StreamTable<Stream extends { readonly ssrc: number }> {
  readonly #streams: Stream[] = []

  get isFull(): boolean {
    return this.#streams.length === MAX_SRTP_STREAMS
  }

  /** Finds the stream of `ssrc`, a signed word. */
  find(ssrc: number): Stream | undefined {
    return this.#streams.find((stream) => stream.ssrc === ssrc)
  }

  /** Enters a stream whose SSRC is not there, and returns it; throws a `RangeError` when full. */
  add(stream: Stream): Stream {
    if (this.isFull) throw new RangeError(`more than ${MAX_SRTP_STREAMS} streams`)
    this.#streams.push(stream)
    return stream
  }
}

/** Streams of one session and direction: a browser's audio needs one or two, and a few more over its renegotiations. */
export const MAX_SRTP_STREAMS = 16
