/** Two DTLS ends and the network between them, for tests: datagrams wait until the test moves them. */

import { createCertificate } from './certificate.ts'
import { DtlsContext } from './dtls-context.ts'
import { DtlsEndpoint } from './dtls.ts'
import type { DtlsCloseReason, DtlsOptions } from './dtls.ts'
import type { SrtpKeys } from './srtp-profile.ts'

/** One end, and what came out of it. */
export interface TestPeer {
  readonly endpoint: DtlsEndpoint
  /** Datagrams on their way. */
  readonly outbox: Uint8Array[]
  readonly received: Uint8Array[]
  readonly connections: SrtpKeys[]
  readonly endings: DtlsCloseReason[]
}

const certificates = [createCertificate(), createCertificate()] as const

/** Contexts with certificates of their own, one for each role. */
export const TEST_CONTEXTS = {
  client: new DtlsContext(certificates[0]),
  server: new DtlsContext(certificates[1]),
}

/** Opens an end that expects the certificate of the other role's context, if `options` do not say otherwise. */
export function openPeer(options: Partial<DtlsOptions> & Pick<DtlsOptions, 'role'>): TestPeer {
  const peer = { outbox: [], received: [], connections: [], endings: [] } as Omit<TestPeer, 'endpoint'>
  const other = options.role === 'client' ? 'server' : 'client'
  const endpoint = new DtlsEndpoint({
    context: TEST_CONTEXTS[options.role],
    fingerprints: [TEST_CONTEXTS[other].fingerprint],
    onSend: (datagram) => peer.outbox.push(datagram.slice()),
    onConnected: (keys) => peer.connections.push(keys),
    onData: (data) => peer.received.push(data.slice()),
    onClosed: (reason) => peer.endings.push(reason),
    ...options,
  })
  return { ...peer, endpoint }
}

/** Opens a client and a server. */
export function openPair(
  client: Partial<DtlsOptions> = {},
  server: Partial<DtlsOptions> = {},
): { client: TestPeer; server: TestPeer } {
  return { client: openPeer({ ...client, role: 'client' }), server: openPeer({ ...server, role: 'server' }) }
}

/** Moves what `from` has sent to `to`, and returns it. */
export function deliver(from: TestPeer, to: TestPeer): Uint8Array[] {
  const datagrams = from.outbox.splice(0)
  for (const datagram of datagrams) to.endpoint.handleDatagram(datagram, 0, datagram.length)
  return datagrams
}

/** Moves datagrams both ways until both are silent. */
export function settle(one: TestPeer, other: TestPeer): void {
  while (one.outbox.length + other.outbox.length > 0) {
    deliver(one, other)
    deliver(other, one)
  }
}

/** Opens a pair and brings it through the handshake. */
export function connectPair(
  clientOptions: Partial<DtlsOptions> = {},
  serverOptions: Partial<DtlsOptions> = {},
): { client: TestPeer; server: TestPeer } {
  const { client, server } = openPair(clientOptions, serverOptions)
  client.endpoint.start()
  settle(client, server)
  return { client, server }
}

/** Closes both ends. */
export function closePair({ client, server }: { client: TestPeer; server: TestPeer }): void {
  client.endpoint.close()
  server.endpoint.close()
}
