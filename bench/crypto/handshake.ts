/** CPU time of a DTLS handshake, in memory, between two endpoints of ours: certificates both ways, keys exported. */

import { closePair, openPair, settle } from '../../transceiver-nodes/crypto/test-network.ts'
import { cpuMicros, least } from './cpu-time.ts'

export interface HandshakeCost {
  readonly bothSides: number
  /** A transceiver bears one side. */
  readonly oneSide: number
}

/** Measures handshakes, with the opening and closing of both ends. */
export function handshakeMillis(): HandshakeCost {
  shakeHands(WARM_UP)
  const bothSides = least(ROUNDS, () => cpuMicros(() => shakeHands(HANDSHAKES)) / HANDSHAKES / 1000)
  return { bothSides, oneSide: bothSides / 2 }
}

function shakeHands(count: number): void {
  for (let i = 0; i < count; i++) {
    const pair = openPair()
    pair.client.endpoint.start()
    settle(pair.client, pair.server)
    if (pair.client.connections.length !== 1) throw new Error('the handshake failed')
    closePair(pair)
  }
}

const WARM_UP = 200
const HANDSHAKES = 200
const ROUNDS = 9
