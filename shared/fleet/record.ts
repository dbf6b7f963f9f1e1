/**
 * What a node says about itself in the registry, once per heartbeat (docs/steering.md).
 *
 * A record is JSON written by another process, perhaps of a newer version: unknown fields are dropped, and a
 * record that lacks or breaks a known field is refused whole, by reason. Whether a record is still alive is
 * decided in `snapshot.ts`.
 */

import * as v from 'valibot'
import { formatAddress, parseAddress } from '#shared/endpoint'
import { epochSecondsOf } from '#shared/time'

/** How often a node writes its record. */
export const HEARTBEAT_SECONDS = 5

/** How long a record counts after its heartbeat: two may be lost, the third must arrive. */
export const LEASE_SECONDS = 15

/** The most VIPs of one relay: one per address family. */
export const MAX_VIPS = 2

/** The most client ports of one VIP and one transport; every one of them becomes a candidate in every answer. */
export const MAX_VIP_PORTS = 4

/** The most API keys whose calls one record counts. */
export const MAX_COUNTED_KEYS = 64

/** The most further links of one relay: a thread for each core of the largest machines. */
export const MAX_LINK_PORTS = 255

const text = v.pipe(v.string(), v.maxLength(256))
const name = v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/))
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535))
const ports = v.pipe(v.array(port), v.maxLength(MAX_VIP_PORTS), v.readonly())
const address = v.pipe(
  text,
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const bytes = parseAddress(dataset.value)
    if (bytes !== undefined) return formatAddress(bytes)
    addIssue({ message: 'not an IP address' })
    return NEVER
  }),
)
const link = v.object({ address, port })

/** Where clients reach a relay: one address, and the ports it serves by UDP and by passive TCP. */
export const vipSchema = v.object({ address, udpPorts: ports, tcpPorts: ports })

const node = {
  id: name,
  region: name,
  latitude: v.pipe(v.number(), v.minValue(-90), v.maxValue(90)),
  longitude: v.pipe(v.number(), v.minValue(-180), v.maxValue(180)),
  link,
  capacity: count,
  draining: v.boolean(),
  version: text,
  heartbeatAt: v.pipe(count, v.transform(epochSecondsOf)),
}

/** The record of a relay: its VIPs for clients, its link for transceivers, and the flows it carries. */
export const relayRecordSchema = v.object({
  kind: v.literal('relay'),
  ...node,
  vips: v.pipe(v.array(vipSchema), v.minLength(1), v.maxLength(MAX_VIPS), v.readonly()),
  flows: count,
  /** Ports of further links at the same address: one for each further thread. */
  linkPorts: v.optional(v.pipe(v.array(port), v.maxLength(MAX_LINK_PORTS), v.readonly())),
})

/**
 * The record of a transceiver: the ids that a routing ufrag names it by, its control URL, and its sessions.
 *
 * Its threads have ids and links of their own (`media-threads.ts`); the record names the first, and by `linkPorts`
 * the ports of the others at the same address.
 */
export const transceiverRecordSchema = v.object({
  kind: v.literal('transceiver'),
  ...node,
  linkPorts: v.optional(v.pipe(v.array(port), v.maxLength(MAX_LINK_PORTS), v.readonly())),
  cluster: v.pipe(count, v.maxValue(0xfff)),
  transceiver: v.pipe(count, v.maxValue(0xfffff)),
  controlUrl: v.pipe(text, v.url(), v.regex(/^https?:/)),
  sessions: count,
  /** The calls of each API key that has any here. */
  callsByKey: v.optional(v.pipe(v.record(name, count), v.maxEntries(MAX_COUNTED_KEYS), v.readonly())),
})

const fleetRecordSchema = v.variant('kind', [relayRecordSchema, transceiverRecordSchema])
const foreignRecordSchema = v.object({
  kind: v.pipe(
    v.string(),
    v.check((kind) => kind !== 'relay' && kind !== 'transceiver'),
  ),
})

export type Vip = v.InferOutput<typeof vipSchema>
export type RelayRecord = v.InferOutput<typeof relayRecordSchema>
export type TransceiverRecord = v.InferOutput<typeof transceiverRecordSchema>
export type FleetRecord = RelayRecord | TransceiverRecord

export type RecordFault = 'record-malformed' | 'record-unknown-kind'

/** Returns the record that `input`, a decoded JSON value, holds. */
export function parseFleetRecord(input: unknown): FleetRecord | RecordFault {
  const parsed = v.safeParse(fleetRecordSchema, input)
  if (parsed.success) return parsed.output
  return v.is(foreignRecordSchema, input) ? 'record-unknown-kind' : 'record-malformed'
}
