/**
 * What the relay counts besides its drops: places in one `Float64Array`, so that counting allocates nothing.
 *
 * Whole numbers stay exact to 2^53. Packets in are packets forwarded plus packets dropped, and likewise for the
 * frames of the link: docs/relay.md.
 */

/** Packets that clients sent. */
export const UPLINK_RECEIVED = 0
/** Packets forwarded to transceivers, and their bytes without the link's framing. */
export const UPLINK_FORWARDED = 1
export const UPLINK_BYTES = 2

/** Datagrams that came on the link, and the frames in those that were accepted. */
export const LINK_RECEIVED = 3
export const FRAMES_RECEIVED = 4
/** Frames without a payload: they bind, unbind or refresh, and nothing is sent. */
export const FRAMES_SILENT = 5
/** Packets forwarded to clients, and their bytes. */
export const DOWNLINK_FORWARDED = 6
export const DOWNLINK_BYTES = 7

/** Flows entered, confirmed, handed over to another transceiver, removed on demand, removed for silence. */
export const FLOWS_BOUND = 8
export const FLOWS_REFRESHED = 9
export const FLOWS_MOVED = 10
export const FLOWS_UNBOUND = 11
export const FLOWS_EXPIRED = 12
/** Flows not entered because the table was full; not handed over because their transceiver is active. */
export const FLOWS_REFUSED = 13
export const FLOWS_HELD = 14
/** Flows removed because the client's TCP connection closed. */
export const FLOWS_CLOSED = 15
/** Flows entered because another process had known them. */
export const FLOWS_RESTORED = 16

/** Flows asked about; of these, those that led nowhere, and those that nobody told of in time. */
export const LOOKUPS = 17
export const LOOKUPS_ABSENT = 18
export const LOOKUPS_UNANSWERED = 19
/** Flows bound or unbound that could not be told of, because nobody took the records in time. */
export const FLOW_RECORDS_LOST = 20

/** Pings of transceivers that a pong was written for. */
export const PINGS_ANSWERED = 21
/** Transceivers with flows that have stopped to answer pings. */
export const UPSTREAMS_LOST = 22

/** How many counters there are. */
export const COUNTERS = 23

/** Adds `amount` to the counter at `index`. */
export function count(counters: Float64Array, index: number, amount: number): void {
  counters[index] = (counters[index] ?? 0) + amount
}
