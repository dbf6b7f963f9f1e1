// @ts-check
/**
 * Which relay, transceiver and regions carry the call, and what the transceiver's clock says about it.
 *
 * The server tells in `firsthop.path`, the answer to `firsthop.path.retrieve`; one that does not know the
 * question leaves the page with the headers of the answer. The event comes from the network, so it is
 * read field by field, and whatever is absent or of another type stays unknown.
 */

/**
 * @typedef {{ id?: string, region?: string }} Station
 * @typedef {'offer' | 'answer' | 'firstCheck' | 'connected' | 'firstAudioIn' | 'firstAudioOut'} ServerMark
 * @typedef {Partial<Record<ServerMark, number>>} ServerTimeline  milliseconds since the offer came in
 */

/** What is known about the path of one call. */
export class CallPath {
  /** @type {Station} */
  relay = {}
  /** @type {Station} */
  transceiver = {}
  /** `udp` or `tcp`, between the browser and the relay. @type {string | undefined} */
  transport
  /** As the transceiver measures it, through the relay. @type {number | undefined} */
  roundTripMillis
  /** The relay that carried the call before it moved to the present one. @type {string | undefined} */
  movedFrom
  /** @type {ServerTimeline} */
  timeline = {}
  #seen = false

  /**
   * Takes the relay that the answer offers first, until the server says which one is used.
   * @param {{ relay?: string, region?: string }} headers
   */
  takeHeaders({ relay, region }) {
    this.relay = readStation({ id: relay, region })
  }

  /** @param {Record<string, any>} event  a `firsthop.path` */
  takeEvent(event) {
    const relay = readStation(event.relay)
    // The headers were a promise: only what the server saw can move.
    if (this.#seen && relay.id !== this.relay.id) this.movedFrom = this.relay.id
    this.#seen = true
    this.relay = relay
    this.transceiver = readStation(event.transceiver)
    this.transport = typeof event.client?.transport === 'string' ? event.client.transport : undefined
    this.roundTripMillis = isMillis(event.roundTripMillis) ? event.roundTripMillis : undefined
    this.timeline = readTimeline(event.timeline)
  }
}

/** @param {any} station @returns {Station} */
function readStation(station) {
  /** @type {Station} */
  const read = {}
  if (typeof station?.id === 'string') read.id = station.id
  if (typeof station?.region === 'string') read.region = station.region
  return read
}

/** @param {any} timeline @returns {ServerTimeline} */
function readTimeline(timeline) {
  /** @type {ServerTimeline} */
  const read = {}
  for (const mark of SERVER_MARKS) if (isMillis(timeline?.[mark])) read[mark] = timeline[mark]
  return read
}

/** @param {unknown} value @returns {value is number} */
function isMillis(value) {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

/** @type {readonly ServerMark[]} */
const SERVER_MARKS = ['offer', 'answer', 'firstCheck', 'connected', 'firstAudioIn', 'firstAudioOut']
