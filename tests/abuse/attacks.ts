/** Everything that strangers are known to send to a relay, as data: packets, from where, how many, and what they should end as. */

import { utf8 } from '#shared/bytes'
import type { DropReason } from '../../relay-nodes/core/drop-reasons.ts'
import { bindingRequest, dtlsPacket, linkDatagram, rtpPacket } from '../../relay-nodes/test-packets.ts'
import { FRAME_FLAG_BIND } from '#shared/link/frame'
import { framePacket } from '../../relay-nodes/core/rfc4571.ts'
import { Random } from '../fuzz/random.ts'

/** One kind of abuse. */
export interface Attack {
  readonly name: string
  /** What it is sent to: the client port on UDP or TCP, or the link. */
  readonly target: 'udp' | 'tcp' | 'link'
  /** Sent in turn. On TCP each is all that one connection says. */
  readonly packets: readonly Uint8Array[]
  /** How many sources there are at once, each in a network of its own or all in one. */
  readonly sources: number
  readonly isOneNetwork?: boolean
  /** How many times as many packets it takes to have its effect. */
  readonly intensity?: number
  /** The reasons as which its packets are dropped; the others are forwarded, and the transceiver refuses them. */
  readonly reasons: readonly DropReason[]
  /** Those of them, and of the reasons for which connections end, that must be among them. */
  readonly mustReach: readonly string[]
}

/** Lists the attacks on a relay that routes `ufrag`, whose password the attacker does not know. */
export function attacksWith(ufrag: string): Attack[] {
  const random = new Random(1)
  const many = <T>(make: (index: number) => T) => Array.from({ length: VARIANTS }, (_, i) => make(i))
  const forged = many(() => bindingRequest(forgedUfrag(random)))
  const check = bindingRequest(ufrag, 'guessed')
  return [
    {
      name: 'forged-ufrag',
      target: 'udp',
      packets: forged,
      sources: 256,
      reasons: ['ufrag-forged'],
      mustReach: ['ufrag-forged'],
    },
    {
      name: 'forged-ufrag-one-network',
      target: 'udp',
      packets: forged,
      sources: 64,
      isOneNetwork: true,
      intensity: 3,
      reasons: ['ufrag-forged', 'source-budget'],
      mustReach: ['ufrag-forged', 'source-budget'],
    },
    {
      name: 'valid-ufrag-many-sources',
      target: 'udp',
      packets: [check],
      sources: 2_048,
      reasons: ['session-budget'],
      mustReach: ['session-budget'],
    },
    {
      name: 'media-without-flow',
      target: 'udp',
      packets: [rtpPacket(160), dtlsPacket(1_200)],
      sources: 2_048,
      reasons: ['unknown-flow', 'recovering'],
      mustReach: ['unknown-flow'],
    },
    {
      name: 'noise',
      target: 'udp',
      packets: many(() => Uint8Array.of(64 + random.below(64), ...random.bytes(random.below(400)))),
      sources: 256,
      reasons: ['unknown-class'],
      mustReach: ['unknown-class'],
    },
    {
      name: 'oversize-and-truncated',
      target: 'udp',
      packets: many((i) =>
        i % 2 === 0 ? dtlsPacket(1_453 + (i % 50) * 100) : check.slice(0, i % check.length),
      ),
      sources: 256,
      reasons: ['oversize', 'stun-truncated', 'stun-length', 'unknown-class'],
      mustReach: ['oversize', 'stun-truncated', 'stun-length'],
    },
    {
      name: 'link-stranger',
      target: 'link',
      packets: many((i) =>
        linkDatagram(random.bytes(8), { client: VICTIM, flags: FRAME_FLAG_BIND, payload: rtpPacket(i) }),
      ),
      sources: 64,
      reasons: ['stranger'],
      mustReach: ['stranger'],
    },
    {
      name: 'tcp-silent-and-slow',
      target: 'tcp',
      packets: [
        new Uint8Array(0),
        Uint8Array.of(1),
        utf8('GET / HTTP/1.1\r\n\r\n'),
        framePacket(forged[0] ?? check),
      ],
      sources: 64,
      reasons: ['ufrag-forged'],
      mustReach: ['ufrag-forged', 'packet-too-long'],
    },
  ]
}

/** A ufrag of the right form under a key that the relay has, sealed by nobody. */
function forgedUfrag(random: Random): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  const rest = Array.from({ length: 21 }, () => alphabet.charAt(random.below(64)))
  return `A${rest.join('')}`
}

/** Whom the strangers on the link would have sent to. */
const VICTIM = { address: '127.0.0.1', port: 9 }

/** Different packets of an attack, sent over and over. */
const VARIANTS = 256
