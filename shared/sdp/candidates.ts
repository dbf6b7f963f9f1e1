/**
 * The candidates of an answer: every client port of the chosen relays, in the order that lets ICE fail over.
 *
 * With relays A (nearest) and B, each on ports 3478 and 443, the priorities rise in this order:
 *
 *     A:3478 < B:3478 < A:443 < B:443        UDP; passive TCP in the same order, below all of it
 *
 * so the list goes round the relays once per port. Chromium prunes pairs of the same or a lower priority than the
 * one in use, but never higher ones. A call that is held on A:3478 therefore keeps B:3478 alive, and one on B:3478
 * keeps A:443: some path through the other relay always stands by, and a nomination moves the call at once.
 * It is the server, in control, that holds the call on a path that is not the highest. Foundations differ by VIP and
 * transport (RFC 8445 section 5.1.1.3): the ports of one VIP live and die together.
 */

import type { RelayChoice } from '#shared/control/messages'

/** One host candidate (RFC 8839 section 5.1); its component is always 1, as RTP and RTCP share a port. */
export interface Candidate {
  readonly foundation: string
  readonly priority: number
  readonly transport: 'udp' | 'tcp'
  readonly address: string
  readonly port: number
  readonly tcpType?: 'passive'
}

/** Returns the candidates for `relays`, nearest first: UDP, then TCP, each from the lowest priority to the highest. */
export function candidatesFor(relays: readonly RelayChoice[]): Candidate[] {
  const vips = relays.flatMap((relay) => relay.vips)
  const addresses = [...new Set(vips.map(({ address }) => address))]
  const udp = roundByPort(vips.map(({ address, udpPorts }) => ({ address, ports: udpPorts })))
  const tcp = roundByPort(vips.map(({ address, tcpPorts }) => ({ address, ports: tcpPorts })))
  return [
    ...udp.map((path, i): Candidate => ({
      foundation: String(1 + addresses.indexOf(path.address)),
      priority: hostPriority(UDP_PREFERENCE_MAX - (udp.length - 1 - i)),
      transport: 'udp',
      ...path,
    })),
    ...tcp.map((path, i): Candidate => ({
      foundation: String(1 + addresses.length + addresses.indexOf(path.address)),
      priority: hostPriority(TCP_PREFERENCE_MAX - (tcp.length - 1 - i)),
      transport: 'tcp',
      ...path,
      tcpType: 'passive',
    })),
  ]
}

/** Writes the value of `a=candidate`: RFC 8839 section 5.1, with the tcptype of RFC 6544 section 4.5. */
export function writeCandidate(candidate: Candidate): string {
  const { foundation, priority, transport, address, port, tcpType } = candidate
  const tcp = tcpType === undefined ? '' : ` tcptype ${tcpType}`
  return `${foundation} 1 ${transport} ${priority} ${address} ${port} typ host${tcp}`
}

interface Path {
  readonly address: string
  readonly port: number
}

/** Lists the first port of every VIP, then the second of every VIP, and so on; each path once. */
function roundByPort(vips: readonly { address: string; ports: readonly number[] }[]): Path[] {
  const pathByName = new Map<string, Path>()
  const rounds = Math.max(0, ...vips.map(({ ports }) => ports.length))
  for (let round = 0; round < rounds; round++) {
    for (const { address, ports } of vips) {
      const port = ports[round]
      const name = `${address} ${port}`
      if (port !== undefined && !pathByName.has(name)) pathByName.set(name, { address, port })
    }
  }
  return [...pathByName.values()]
}

/** RFC 8445 section 5.1.2.1, for component 1. */
function hostPriority(localPreference: number): number {
  return HOST_TYPE_PREFERENCE * 2 ** 24 + localPreference * 2 ** 8 + (256 - 1)
}

/** RFC 8445 section 5.1.2.2. */
const HOST_TYPE_PREFERENCE = 126
const UDP_PREFERENCE_MAX = 65_535

/** RFC 6544 section 4.2: 8192 times the direction preference, 4 for a passive host candidate, plus up to 8191. */
const TCP_PREFERENCE_MAX = 4 * 8_192 + 8_191
