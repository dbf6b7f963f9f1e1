/** The VIPs that a doctor visits: of a fleet as Terraform's output lists it, or of an answer. */

import * as v from 'valibot'

/** Where one relay, or the relays behind one balancer, are reached. */
export interface Vip {
  readonly name: string
  readonly address: string
  readonly udpPort: number
  readonly tcpPort: number | undefined
}

/** Reads the output `fleet` of terraform/environments, `terraform output -json fleet`; throws if it is another thing. */
export function readFleet(text: string): Vip[] {
  return v.parse(fleetSchema, JSON.parse(text)).relays.map((relay) => ({
    name: relay.region,
    address: relay.vip,
    udpPort: relay.udp_port,
    tcpPort: relay.tcp_port,
  }))
}

/** The VIPs of an SDP answer's candidates: one for each UDP endpoint, with the TCP port that stands at the same place. */
export function vipsOf(answer: string): Vip[] {
  const candidates = [...answer.matchAll(CANDIDATE)].map(([, transport = '', address = '', port = '']) => ({
    isUdp: transport.toLowerCase() === 'udp',
    address,
    port: Number(port),
  }))
  const tcp = candidates.filter(({ isUdp }) => !isUdp)
  return candidates
    .filter(({ isUdp }) => isUdp)
    .map(({ address, port }) => {
      const beside = tcp.filter((candidate) => candidate.address === address)
      const samePort = beside.find((candidate) => candidate.port === port)
      return { name: `${address}:${port}`, address, udpPort: port, tcpPort: (samePort ?? beside[0])?.port }
    })
}

/** Leaves `vip`'s UDP endpoint as the only way of an answer. */
export function onlyBy(vip: Vip, answer: string): string {
  const line = `a=candidate:1 1 udp ${HIGHEST_PRIORITY} ${vip.address} ${vip.udpPort} typ host\r\n`
  let isFirst = true
  return answer.replaceAll(CANDIDATE_LINE, () => {
    const kept = isFirst ? line : ''
    isFirst = false
    return kept
  })
}

const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535))
const fleetSchema = v.object({
  relays: v.pipe(
    v.array(v.object({ region: v.string(), vip: v.string(), udp_port: port, tcp_port: v.optional(port) })),
    v.nonEmpty('lists no relay'),
  ),
})

/** RFC 8839 section 5.1: foundation, component, transport, priority, address, port. */
const CANDIDATE = /^a=candidate:\S+ 1 (\S+) \d+ (\S+) (\d+)/gm
const CANDIDATE_LINE = /^a=candidate:.*\r\n/gm
/** RFC 8445 section 5.1.2.1, for a host candidate. */
const HIGHEST_PRIORITY = 2_130_706_431
