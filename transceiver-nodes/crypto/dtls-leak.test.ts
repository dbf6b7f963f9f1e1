/** Opens and closes connections by the thousand and looks at the memory of the process. */

import { expect, test } from 'vitest'
import { createCertificate } from './certificate.ts'
import { DtlsContext } from './dtls-context.ts'
import { drainErrors } from './openssl.ts'
import { PacketMemory } from '#shared/platform/packet-memory'
import { SrtpSession } from './srtp.ts'
import { closePair, connectPair, deliver, openPair } from './test-network.ts'

const memory = new PacketMemory(2048)

test('10,000 handshakes, with SRTP, refused peers and broken-off ones among them, leave nothing behind', () => {
  for (let i = 0; i < WARM_UP; i++) openAndClose(i)
  const before = residentBytes()
  for (let i = WARM_UP; i < HANDSHAKES; i++) openAndClose(i)
  const grown = residentBytes() - before
  expect(grown).toBeLessThan(TOLERANCE_BYTES)
  expect(drainErrors()).toBe(0)
}, 180_000)

test('contexts and certificates leave nothing behind', () => {
  const make = (): void => new DtlsContext(createCertificate()).close()
  for (let i = 0; i < 200; i++) make()
  const before = residentBytes()
  for (let i = 0; i < 1000; i++) make()
  expect(residentBytes() - before).toBeLessThan(TOLERANCE_BYTES)
}, 60_000)

/** One client and one server; every tenth pair comes to another end than the rest. */
function openAndClose(i: number): void {
  if (i % 10 === 3) return breakOff()
  const pair = i % 10 === 7 ? connectPair({}, { fingerprints: [] }) : connectPair({ onGoodbye: () => {} })
  for (const { endpoint, connections } of [pair.client, pair.server]) {
    endpoint.send(Uint8Array.of(1))
    for (const keys of connections) new SrtpSession(keys, memory).close()
  }
  closePair(pair)
}

/** Leaves with half a flight in OpenSSL's hands. */
function breakOff(): void {
  const { client, server } = openPair()
  client.endpoint.start()
  deliver(client, server)
  const [flight] = server.outbox
  if (flight !== undefined) client.endpoint.handleDatagram(flight, 0, flight.length - 1)
  closePair({ client, server })
}

function residentBytes(): number {
  return process.memoryUsage.rss()
}

const HANDSHAKES = 10_000
const WARM_UP = 2000

/** 1 KB for each of 8,000: a lost SSL costs 20 KB and more, a lost certificate or cipher context 1 to 2 KB. */
const TOLERANCE_BYTES = 8_000_000
