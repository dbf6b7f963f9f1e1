/**
 * Steering: which relays carry a call, and which transceiver serves it (docs/steering.md).
 *
 * A pure function of where the client is and of the fleet as it is known. A region is one place, as far away as
 * the nearest of its nodes with room: regions rank by distance, the nodes of a region by load, and equals by id,
 * so one input has one outcome. Transceivers rank by their distance from the first relay, since every packet
 * goes through it. A farther region never changes the first choice.
 */

import type { RelayChoice } from '#shared/control/messages'
import { centroidOf, distanceKm } from './geo.ts'
import type { Coordinates } from './geo.ts'
import type { RelayRecord, TransceiverRecord } from './record.ts'
import type { FleetSnapshot } from './snapshot.ts'

/** The most transceivers that one call is offered to, one after the other. */
export const MAX_TRANSCEIVER_CHOICES = 3

/** Where a client is, as far as anybody knows. */
export interface ClientPlace {
  readonly coordinates?: Coordinates | undefined
  /** Two letters, in place of coordinates. */
  readonly continent?: string | undefined
}

/** The outcome for one call: the best choice first, and why. */
export interface Steering {
  readonly relays: readonly RelayChoice[]
  readonly transceivers: readonly TransceiverRecord[]
  readonly reasons: SteeringReasons
}

/** Why a call was steered as it was, for the record of the decision. */
export interface SteeringReasons {
  readonly placedBy: 'coordinates' | 'continent' | 'load'
  readonly relays: readonly ChoiceReason[]
  readonly transceivers: readonly ChoiceReason[]
  /** Nodes that were passed over. */
  readonly draining: number
  readonly full: number
}

export interface ChoiceReason {
  readonly id: string
  readonly region: string
  readonly reason: 'nearest' | 'least-loaded' | 'another-region' | 'same-region' | 'next'
  /** From the client to a relay, or from the first relay to a transceiver; absent if nobody knows. */
  readonly distanceKm?: number
  /** The part of the capacity in use, from 0 to 1. */
  readonly load: number
}

export type SteeringFault = 'no-relay' | 'no-transceiver' | 'full'

/** Chooses the relays and the transceivers for a call from `client`. */
export function steer(client: ClientPlace, fleet: FleetSnapshot): Steering | SteeringFault {
  const relays = sortOut(fleet.relays, (relay) => relay.flows)
  const transceivers = sortOut(fleet.transceivers, (transceiver) => transceiver.sessions)
  const { origin, placedBy } = placeClient(client)
  const picked = pickRelays(rank(relays.open, origin))
  const [first] = picked
  if (first === undefined) return relays.full > 0 ? 'full' : 'no-relay'
  const servers = rank(transceivers.open, first.node).slice(0, MAX_TRANSCEIVER_CHOICES)
  if (servers.length === 0) return transceivers.full > 0 ? 'full' : 'no-transceiver'
  return {
    relays: picked.map(({ node: { id, region, vips } }) => ({ id, region, vips })),
    transceivers: servers.map(({ node }) => node),
    reasons: {
      placedBy,
      relays: picked.map((relay) => explain(relay, reasonForRelay(relay, first))),
      transceivers: servers.map((server, i) => explain(server, i === 0 ? 'nearest' : 'next')),
      draining: relays.draining + transceivers.draining,
      full: relays.full + transceivers.full,
    },
  }
}

interface Loaded<Node> {
  readonly node: Node
  readonly load: number
}

interface Ranked<Node> extends Loaded<Node> {
  readonly distanceKm: number | undefined
}

type FleetNode = RelayRecord | TransceiverRecord

/** Keeps the nodes that take new calls, and counts the others. */
function sortOut<Node extends FleetNode>(nodes: readonly Node[], used: (node: Node) => number) {
  const staying = nodes.filter((node) => !node.draining)
  const open = staying
    .filter((node) => used(node) < node.capacity)
    .map((node): Loaded<Node> => ({ node, load: used(node) / node.capacity }))
  return { open, draining: nodes.length - staying.length, full: staying.length - open.length }
}

function placeClient({ coordinates, continent }: ClientPlace): {
  origin: Coordinates | undefined
  placedBy: SteeringReasons['placedBy']
} {
  if (coordinates !== undefined) return { origin: coordinates, placedBy: 'coordinates' }
  const centroid = continent === undefined ? undefined : centroidOf(continent)
  return { origin: centroid, placedBy: centroid === undefined ? 'load' : 'continent' }
}

/** Orders nodes by the distance of their region, then by load, then by id; without an origin all are as far. */
function rank<Node extends FleetNode>(
  nodes: readonly Loaded<Node>[],
  origin: Coordinates | undefined,
): Ranked<Node>[] {
  const ranked = nodes.map((loaded): Ranked<Node> => ({
    ...loaded,
    distanceKm: origin && distanceKm(origin, loaded.node),
  }))
  const distanceByRegion = new Map<string, number>()
  for (const { node, distanceKm = 0 } of ranked) {
    distanceByRegion.set(node.region, Math.min(distanceKm, distanceByRegion.get(node.region) ?? Infinity))
  }
  const regionDistance = ({ node }: Ranked<Node>) => distanceByRegion.get(node.region) ?? 0
  return ranked.toSorted(
    (a, b) => regionDistance(a) - regionDistance(b) || a.load - b.load || compareText(a.node.id, b.node.id),
  )
}

/** Takes the best relay, and the best of another region, so that no one place carries both paths of a call. */
function pickRelays(ranked: readonly Ranked<RelayRecord>[]): readonly Ranked<RelayRecord>[] {
  const [first, ...others] = ranked
  if (first === undefined) return []
  const second = others.find(({ node }) => node.region !== first.node.region) ?? others[0]
  return second === undefined ? [first] : [first, second]
}

function reasonForRelay(relay: Ranked<RelayRecord>, first: Ranked<RelayRecord>): ChoiceReason['reason'] {
  if (relay === first) return relay.distanceKm === undefined ? 'least-loaded' : 'nearest'
  return relay.node.region === first.node.region ? 'same-region' : 'another-region'
}

function explain(
  { node, load, distanceKm }: Ranked<FleetNode>,
  reason: ChoiceReason['reason'],
): ChoiceReason {
  const { id, region } = node
  return {
    id,
    region,
    reason,
    load,
    ...(distanceKm === undefined ? {} : { distanceKm: Math.round(distanceKm) }),
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
