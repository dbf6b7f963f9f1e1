/**
 * Steering: which relays carry a call, and which transceiver serves it (docs/steering.md).
 *
 * A pure function of where the client is and of the fleet as it is known. A region is one place, as far away as
 * the nearest of its nodes with room: regions rank by distance, the nodes of a region by load, and equals by id,
 * so one input has one outcome. Transceivers rank by their distance from the first relay, since every packet
 * goes through it, and the clusters of a region by the load of them all. A farther region never changes the first
 * choice.
 */

import type { RelayChoice } from '#shared/control/messages'
import { pointOfCountry } from './countries.ts'
import { centroidOf, distanceKm } from './geo.ts'
import type { Coordinates } from './geo.ts'
import type { RelayRecord, TransceiverRecord } from './record.ts'
import type { FleetSnapshot } from './snapshot.ts'
import type { ChoiceReason, SteeringReasons } from './steering-record.ts'

/** The most transceivers that one call is offered to, one after the other. */
export const MAX_TRANSCEIVER_CHOICES = 3

/** Where a client is, as far as anybody knows. */
export interface ClientPlace {
  readonly coordinates?: Coordinates | undefined
  /** Two letters, in place of coordinates. */
  readonly country?: string | undefined
  /** Two letters, in place of a country. */
  readonly continent?: string | undefined
  /** Whether it came over IPv6: it may have nothing else. */
  readonly isIpv6?: boolean | undefined
}

/** The outcome for one call: the best choice first, and why. */
export interface Steering {
  readonly relays: readonly RelayChoice[]
  readonly transceivers: readonly TransceiverRecord[]
  readonly reasons: SteeringReasons
}

export type SteeringFault = 'no-relay' | 'no-transceiver' | 'full'

/** Chooses the relays and the transceivers for a call from `client`. */
export function steer(client: ClientPlace, fleet: FleetSnapshot): Steering | SteeringFault {
  const relays = sortOut(fleet.relays, (relay) => relay.flows)
  const transceivers = sortOut(fleet.transceivers, (transceiver) => transceiver.sessions)
  const { origin, placedBy } = placeClient(client)
  const picked = pickRelays(rank(relays.open, origin, noCluster), client.isIpv6 === true)
  const [first] = picked
  if (first === undefined) return relays.full > 0 ? 'full' : 'no-relay'
  const loadOfCluster = clusterLoads(fleet.transceivers)
  const servers = pickTransceivers(rank(transceivers.open, first.node, loadOfCluster))
  if (servers.length === 0) return transceivers.full > 0 ? 'full' : 'no-transceiver'
  return {
    relays: picked.map(({ node: { id, region, vips } }) => ({ id, region, vips })),
    transceivers: servers.map(({ node }) => node),
    reasons: {
      placedBy,
      relays: picked.map((relay) => explain(relay, reasonForRelay(relay, first, client.isIpv6 === true))),
      transceivers: servers.map((server, i) => explain(server, reasonForTransceiver(server, i, servers))),
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

function placeClient({ coordinates, country, continent }: ClientPlace): {
  origin: Coordinates | undefined
  placedBy: SteeringReasons['placedBy']
} {
  if (coordinates !== undefined) return { origin: coordinates, placedBy: 'coordinates' }
  const point = country === undefined ? undefined : pointOfCountry(country)
  if (point !== undefined) return { origin: point, placedBy: 'country' }
  const centroid = continent === undefined ? undefined : centroidOf(continent)
  return { origin: centroid, placedBy: centroid === undefined ? 'load' : 'continent' }
}

/**
 * Orders nodes by the distance of their region, the load of their cluster, their own load, then by id; without an
 * origin all are as far.
 */
function rank<Node extends FleetNode>(
  nodes: readonly Loaded<Node>[],
  origin: Coordinates | undefined,
  clusterLoad: (node: Node) => number,
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
    (a, b) =>
      regionDistance(a) - regionDistance(b) ||
      clusterLoad(a.node) - clusterLoad(b.node) ||
      a.load - b.load ||
      compareText(a.node.id, b.node.id),
  )
}

/**
 * Takes the best relay, and the best of another region, so that no one place carries both paths of a call. A client
 * on IPv6 gets one that it reaches over IPv6, if there is any: from some networks it reaches nothing else.
 */
function pickRelays(ranked: readonly Ranked<RelayRecord>[], isIpv6: boolean): readonly Ranked<RelayRecord>[] {
  const [first, ...others] = ranked
  if (first === undefined) return []
  const needsIpv6 = isIpv6 && !hasIpv6(first.node)
  const fit =
    needsIpv6 && others.some(({ node }) => hasIpv6(node))
      ? others.filter(({ node }) => hasIpv6(node))
      : others
  const second = fit.find(({ node }) => node.region !== first.node.region) ?? fit[0]
  return second === undefined ? [first] : [first, second]
}

function hasIpv6({ vips }: RelayRecord): boolean {
  return vips.some(({ address }) => address.includes(':'))
}

/** Takes the best, but keeps the last place for the best of another cluster: a cluster may fail as one. */
function pickTransceivers(
  ranked: readonly Ranked<TransceiverRecord>[],
): readonly Ranked<TransceiverRecord>[] {
  const best = ranked.slice(0, MAX_TRANSCEIVER_CHOICES)
  const [first] = best
  const isElsewhere = ({ node }: Ranked<TransceiverRecord>) => node.cluster !== first?.node.cluster
  if (best.some(isElsewhere)) return best
  const other = ranked.find(isElsewhere)
  return other === undefined ? best : [...best.slice(0, MAX_TRANSCEIVER_CHOICES - 1), other]
}

/** The part of each cluster's capacity that is in use; what drains has no capacity any more. */
function clusterLoads(transceivers: readonly TransceiverRecord[]): (node: TransceiverRecord) => number {
  const totals = new Map<number, { sessions: number; capacity: number }>()
  for (const { cluster, sessions, capacity, draining } of transceivers) {
    if (draining) continue
    const total = totals.get(cluster) ?? { sessions: 0, capacity: 0 }
    totals.set(cluster, { sessions: total.sessions + sessions, capacity: total.capacity + capacity })
  }
  return ({ cluster }) => {
    const { sessions, capacity } = totals.get(cluster) ?? { sessions: 0, capacity: 1 }
    return sessions / capacity
  }
}

function noCluster(): number {
  return 0
}

function reasonForTransceiver(
  { node }: Ranked<TransceiverRecord>,
  position: number,
  servers: readonly Ranked<TransceiverRecord>[],
): ChoiceReason['reason'] {
  if (position === 0) return 'nearest'
  return node.cluster === servers[0]?.node.cluster ? 'next' : 'another-cluster'
}

function reasonForRelay(
  relay: Ranked<RelayRecord>,
  first: Ranked<RelayRecord>,
  isIpv6: boolean,
): ChoiceReason['reason'] {
  if (relay === first) return relay.distanceKm === undefined ? 'least-loaded' : 'nearest'
  if (isIpv6 && !hasIpv6(first.node) && hasIpv6(relay.node)) return 'ipv6'
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
