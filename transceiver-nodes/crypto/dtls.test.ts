import * as fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { millisOf } from '#shared/time'
import { concatBytes } from '#shared/bytes'
import { DTLS_VECTORS, datagramVectors } from '../../tests/datagram-vectors.ts'
import { createCertificate } from './certificate.ts'
import { DtlsContext } from './dtls-context.ts'
import { hasForgedRecord } from './dtls-record.ts'
import { FIRST_RETRANSMIT, HANDSHAKE_LIMIT, MAX_DTLS_DATA_BYTES } from './dtls.ts'
import { drainErrors } from './openssl.ts'
import type { SrtpProfile } from './srtp-profile.ts'
import { TEST_CONTEXTS, closePair, connectPair, deliver, openPair, openPeer, settle } from './test-network.ts'
import type { TestPeer } from './test-network.ts'

const open: TestPeer[] = []

afterEach(() => {
  for (const peer of open.splice(0)) peer.endpoint.close()
  expect(drainErrors()).toBe(0)
})

test('gives both ends the same keys, crossed over', () => {
  const { client, server } = watch(connectPair())
  const [[ours], [theirs]] = [client.connections, server.connections]
  expect(client.connections.length + server.connections.length).toBe(2)
  expect(ours!.profile).toBe('aead-aes-128-gcm')
  expect(ours!.localKey).toEqual(theirs!.remoteKey)
  expect(ours!.localSalt).toEqual(theirs!.remoteSalt)
  expect(ours!.remoteKey).toEqual(theirs!.localKey)
  expect(ours!.remoteSalt).toEqual(theirs!.localSalt)
  expect(ours!.localKey).not.toEqual(ours!.remoteKey)
  expect(ours!.localKey).toHaveLength(16)
  expect(ours!.localSalt).toHaveLength(12)
})

test('takes two round trips: no cookie is asked for', () => {
  const { client, server } = watch(openPair())
  client.endpoint.start()
  expect(handshakeTypes(deliver(client, server))).toEqual([CLIENT_HELLO])
  expect(handshakeTypes(server.outbox)[0]).toBe(SERVER_HELLO)
  deliver(server, client)
  deliver(client, server)
  expect(server.connections).toHaveLength(1)
  deliver(server, client)
  expect(client.connections).toHaveLength(1)
})

test('goes on when the answer comes just as its own flight is due again', () => {
  const { client, server } = watch(openPair({}, { firstRetransmit: 1 }))
  client.endpoint.start()
  deliver(client, server)
  deliver(server, client)
  // OpenSSL reads its own clock: with the next datagram it sends its flight again before it takes the answer.
  for (const dueAt = performance.now() + 5; performance.now() < dueAt;);
  settle(client, server)
  expect(client.connections.length + server.connections.length).toBe(2)
})

test('carries data both ways, in datagrams that stay whole', () => {
  const { client, server } = watch(connectPair())
  const messages = [
    Uint8Array.of(1),
    new Uint8Array(1191).fill(2),
    new Uint8Array(MAX_DTLS_DATA_BYTES).fill(3),
  ]
  for (const message of messages) expect(client.endpoint.send(message)).toBeUndefined()
  for (const message of messages) expect(server.endpoint.send(message)).toBeUndefined()
  expect(client.outbox).toHaveLength(messages.length)
  settle(client, server)
  expect(server.received).toEqual(messages)
  expect(client.received).toEqual(messages)
})

test('takes no data before the handshake, none that is empty or too long', () => {
  const { client, server } = watch(openPair())
  expect(client.endpoint.send(Uint8Array.of(1))).toBe('dtls-not-connected')
  client.endpoint.start()
  expect(client.endpoint.send(Uint8Array.of(1))).toBe('dtls-not-connected')
  settle(client, server)
  expect(client.endpoint.send(new Uint8Array(0))).toBe('dtls-length')
  expect(client.endpoint.send(new Uint8Array(MAX_DTLS_DATA_BYTES + 1))).toBe('dtls-length')
  expect(client.endpoint.handleDatagram(new Uint8Array(10_000), 0, 10_000)).toBe('dtls-length')
  expect(client.endpoint.handleDatagram(new Uint8Array(10), 0, 0)).toBe('dtls-length')
  expect(client.endpoint.handleDatagram(new Uint8Array(10), 5, 6)).toBe('dtls-length')
  expect(client.endpoint.handleDatagram(new Uint8Array(10), -1, 5)).toBe('dtls-length')
})

test('may send from within its own callbacks', () => {
  const greeting = Uint8Array.of(7)
  const server: TestPeer = openPeer({ role: 'server', onConnected: () => server.endpoint.send(greeting) })
  const client = openPeer({ role: 'client' })
  open.push(client, server)
  client.endpoint.start()
  settle(client, server)
  expect(client.connections).toHaveLength(1)
  expect(client.received).toEqual([greeting])
})

test('may be closed from within its own callbacks', () => {
  for (const callback of ['onSend', 'onConnected', 'onData'] as const) {
    const client: TestPeer = openPeer({ role: 'client', [callback]: () => client.endpoint.close() })
    const server = openPeer({ role: 'server' })
    open.push(client, server)
    client.endpoint.start()
    settle(client, server)
    server.endpoint.send(Uint8Array.of(1))
    settle(client, server)
    expect(client.endings).toEqual([])
    expect(client.endpoint.handleDatagram(Uint8Array.of(22), 0, 1)).toBe('dtls-not-connected')
  }
})

describe('the peer', () => {
  const stranger = createCertificate().fingerprint

  test('is refused by the server when its certificate is not the expected one', () => {
    const { client, server } = watch(connectPair({}, { fingerprints: [stranger] }))
    expect(server.endings).toEqual(['fingerprint-mismatch'])
    expect(client.endings).toEqual(['fatal-alert'])
    expect(client.connections.length + server.connections.length).toBe(0)
  })

  test('is refused by the client before it has seen anything of ours', () => {
    const { client, server } = watch(openPair({ fingerprints: [stranger] }))
    client.endpoint.start()
    deliver(client, server)
    deliver(server, client)
    expect(client.outbox.map((datagram) => datagram[0])).toEqual([ALERT])
    settle(client, server)
    expect(client.endings).toEqual(['fingerprint-mismatch'])
    expect(server.endings).toEqual(['fatal-alert'])
    expect(client.connections.length + server.connections.length).toBe(0)
  })

  test('is refused when nothing is expected', () => {
    const { server } = watch(connectPair({}, { fingerprints: [] }))
    expect(server.endings).toEqual(['fingerprint-mismatch'])
  })

  test('may be one of several, in any case of letters', () => {
    const fingerprints = [stranger, 'not a fingerprint', TEST_CONTEXTS.client.fingerprint.toLowerCase()]
    const { server } = watch(connectPair({}, { fingerprints }))
    expect(server.connections).toHaveLength(1)
  })

  test('is not disturbed by another that is refused meanwhile', () => {
    const good = watch(openPair())
    const bad = watch(openPair({}, { fingerprints: [stranger] }))
    good.client.endpoint.start()
    bad.client.endpoint.start()
    for (let i = 0; i < 3; i++) {
      for (const { client, server } of [good, bad]) {
        deliver(client, server)
        deliver(server, client)
      }
    }
    expect(bad.server.endings).toEqual(['fingerprint-mismatch'])
    expect(good.client.connections).toHaveLength(1)
    expect(good.server.connections).toHaveLength(1)
  })
})

describe('the SRTP profile', () => {
  const contextOf = (...profiles: SrtpProfile[]): DtlsContext =>
    new DtlsContext(createCertificate(), profiles)
  const negotiate = (ours: DtlsContext, theirs: DtlsContext): { client: TestPeer; server: TestPeer } =>
    watch(
      connectPair(
        { context: theirs, fingerprints: [ours.fingerprint] },
        { context: ours, fingerprints: [theirs.fingerprint] },
      ),
    )

  test('is the one that the server likes best', () => {
    const ours = contextOf('aead-aes-128-gcm', 'aes128-cm-sha1-80')
    const { client, server } = negotiate(ours, contextOf('aes128-cm-sha1-80', 'aead-aes-128-gcm'))
    expect(client.connections[0]?.profile).toBe('aead-aes-128-gcm')
    expect(server.connections[0]?.profile).toBe('aead-aes-128-gcm')
  })

  test('is the mandatory one when the peer has no other', () => {
    const ours = contextOf('aead-aes-128-gcm', 'aes128-cm-sha1-80')
    const { client, server } = negotiate(ours, contextOf('aes128-cm-sha1-80'))
    expect(client.connections[0]?.profile).toBe('aes128-cm-sha1-80')
    expect(server.connections[0]?.remoteSalt).toHaveLength(14)
    expect(server.connections[0]?.remoteSalt).toEqual(client.connections[0]?.localSalt)
  })

  test('must be a common one', () => {
    const { client, server } = negotiate(contextOf('aead-aes-128-gcm'), contextOf('aes128-cm-sha1-80'))
    expect(server.endings).toEqual(['no-srtp-profile'])
    expect(client.endings).toEqual(['no-srtp-profile'])
    expect(client.connections.length + server.connections.length).toBe(0)
  })
})

describe.each(DTLS_VECTORS)('the ClientHello of %s', (name) => {
  const [first, second] = datagramVectors(name) as [Uint8Array, Uint8Array]

  test('is answered at once when its fragments come in order', () => {
    expect(handshakeTypes(answerTo([first, second]))[0]).toBe(SERVER_HELLO)
  })

  test('is answered at once when its fragments come the other way around', () => {
    expect(handshakeTypes(answerTo([second, first]))[0]).toBe(SERVER_HELLO)
  })

  test('is answered when its fragments come twice', () => {
    expect(handshakeTypes(answerTo([first, first, second, second]))[0]).toBe(SERVER_HELLO)
  })

  test('is not answered as long as a fragment lacks', () => {
    expect(answerTo([first])).toEqual([])
    expect(answerTo([second])).toEqual([])
  })
})

describe('what a stranger sends', () => {
  test('disturbs no handshake', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 1300 }), { maxLength: 5 }), (garbage) => {
        const { client, server } = openPair()
        client.endpoint.start()
        for (let i = 0; i < 3; i++) {
          for (const [from, to] of [
            [client, server],
            [server, client],
          ] as const) {
            for (const bytes of garbage) to.endpoint.handleDatagram(bytes, 0, bytes.length)
            for (const whole of from.outbox) to.endpoint.handleDatagram(whole, 0, whole.length - 1)
            deliver(from, to)
          }
        }
        expect(client.connections.length + server.connections.length).toBe(2)
        closePair({ client, server })
      }),
      { numRuns: 50 },
    )
  })

  test('disturbs no handshake with records that only look like DTLS', () => {
    const records = [0, 1].flatMap((epoch) =>
      [19, 20, 23, 24, 26, 63].map((type) =>
        Uint8Array.of(type, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 99, 0, 1, 1),
      ),
    )
    const forged = records.filter((bytes) => hasForgedRecord(bytes, 0, bytes.length))
    expect(forged).toHaveLength(11)
    for (const bytes of forged) {
      const { client, server } = watch(openPair())
      client.endpoint.start()
      for (let i = 0; i < 3; i++) {
        expect(client.endpoint.handleDatagram(bytes, 0, bytes.length)).toBe('dtls-record')
        expect(server.endpoint.handleDatagram(bytes, 0, bytes.length)).toBe('dtls-record')
        deliver(client, server)
        deliver(server, client)
      }
      expect(client.connections.length + server.connections.length).toBe(2)
    }
  })

  test('disturbs no connection: random records under true headers', () => {
    const { client, server } = watch(connectPair())
    const header = fc.record({
      type: fc.integer({ min: 20, max: 63 }),
      epoch: fc.integer({ min: 0, max: 2 }),
      sequence: fc.integer({ min: 0, max: 255 }),
    })
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 255 }), ({ type, epoch, sequence }, fragment) => {
        const head = [type, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, sequence, 0, fragment.length]
        const bytes = concatBytes(Uint8Array.from(head), fragment)
        for (const { endpoint } of [client, server]) endpoint.handleDatagram(bytes, 0, bytes.length)
        expect(client.endings.concat(server.endings)).toEqual([])
      }),
      { numRuns: 1000 },
    )
    client.endpoint.send(Uint8Array.of(5))
    settle(client, server)
    expect(server.received).toEqual([Uint8Array.of(5)])
  })

  test('disturbs no connection: garbage, cut and changed datagrams, forged alerts, old hellos', () => {
    const { client, server } = watch(openPair())
    client.endpoint.start()
    const hello = deliver(client, server)
    settle(client, server)
    client.endpoint.send(Uint8Array.of(1, 2, 3))
    const [datagram] = client.outbox.splice(0) as [Uint8Array]
    const forgedAlerts = [
      Uint8Array.of(ALERT, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 2, 40),
      Uint8Array.of(ALERT, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 99, 0, 2, 2, 40),
      Uint8Array.of(99, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 99, 0, 2, 2, 40),
    ]
    const changed = Array.from(datagram, (_, at) => datagram.map((byte, i) => (i === at ? byte ^ 1 : byte)))
    const cut = Array.from(datagram, (_, length) => datagram.slice(0, length)).slice(1)
    for (const bytes of [...forgedAlerts, ...hello, ...changed, ...cut]) {
      server.endpoint.handleDatagram(bytes, 0, bytes.length)
    }
    expect(server.received).toEqual([])
    expect(server.endings).toEqual([])
    for (let i = 0; i < 3; i++) server.endpoint.handleDatagram(datagram, 0, datagram.length)
    expect(server.received).toEqual([Uint8Array.of(1, 2, 3)])
  })

  test('ends one handshake at most when it is a wrong message, and no other', () => {
    const good = watch(openPair())
    good.client.endpoint.start()
    const victim = openPeer({ role: 'server' })
    open.push(victim)
    const hello = good.client.outbox[0]!.slice()
    // A session id longer than TLS allows.
    hello[HELLO_SESSION_ID_AT] = 0xff
    victim.endpoint.handleDatagram(hello, 0, hello.length)
    expect(victim.endings).toEqual(['handshake-failed'])
    expect(victim.outbox.at(-1)?.[0]).toBe(ALERT)
    settle(good.client, good.server)
    expect(good.server.connections).toHaveLength(1)
  })
})

describe('the end', () => {
  test('is told to the peer', () => {
    const { client, server } = watch(connectPair())
    client.endpoint.close()
    settle(client, server)
    expect(server.endings).toEqual(['close-notify'])
    expect(client.endings).toEqual([])
  })

  test('comes once: afterwards nothing happens', () => {
    const { client, server } = watch(connectPair())
    const lateDatagrams = [...datagramVectors('firefox153.dtls')]
    for (const { endpoint, outbox, endings } of [client, server]) {
      endpoint.close()
      outbox.length = 0
      endpoint.close()
      endpoint.start()
      endpoint.handleTimeout()
      for (const bytes of lateDatagrams) {
        expect(endpoint.handleDatagram(bytes, 0, bytes.length)).toBe('dtls-not-connected')
      }
      expect(endpoint.send(Uint8Array.of(1))).toBe('dtls-not-connected')
      expect(endpoint.pollTimeout()).toBeUndefined()
      expect(outbox).toEqual([])
      expect(endings).toEqual([])
    }
  })

  test('may come before the beginning, and in the middle', () => {
    const { client, server } = openPair()
    server.endpoint.close()
    client.endpoint.start()
    client.endpoint.close()
    expect(client.endings).toEqual([])
    expect(client.endpoint.pollTimeout()).toBeUndefined()
  })

  test('comes after the handshake limit, on the clock of the owner', () => {
    let now = 1000
    const clock = () => millisOf(now)
    const { client, server } = watch(openPair({ clock }, { clock }))
    expect(client.endpoint.pollTimeout()).toBeUndefined()
    client.endpoint.start()
    expect(client.endpoint.pollTimeout()).toBeGreaterThan(now)
    expect(client.endpoint.pollTimeout()).toBeLessThanOrEqual(now + FIRST_RETRANSMIT)
    server.endpoint.start()
    expect(server.endpoint.pollTimeout()).toBe(now + HANDSHAKE_LIMIT)
    now += HANDSHAKE_LIMIT
    client.endpoint.handleTimeout()
    server.endpoint.handleTimeout()
    expect(client.endings).toEqual(['timeout'])
    expect(server.endings).toEqual(['timeout'])
  })

  test('does not come from a timeout that is handled too early', () => {
    const { client, server } = watch(openPair())
    client.endpoint.start()
    client.endpoint.handleTimeout()
    server.endpoint.handleTimeout()
    expect(client.outbox).toHaveLength(1)
    settle(client, server)
    expect(client.endpoint.pollTimeout()).toBeUndefined()
    expect(server.endpoint.pollTimeout()).toBeUndefined()
    client.endpoint.handleTimeout()
    expect(client.endings).toEqual([])
  })
})

function watch<Pair extends { client: TestPeer; server: TestPeer }>(pair: Pair): Pair {
  open.push(pair.client, pair.server)
  return pair
}

/** What a server that has been sent these datagrams answers. */
function answerTo(datagrams: readonly Uint8Array[]): Uint8Array[] {
  const server = openPeer({ role: 'server' })
  open.push(server)
  for (const datagram of datagrams) server.endpoint.handleDatagram(datagram, 0, datagram.length)
  expect(server.endings).toEqual([])
  return server.outbox
}

/** The types of the first handshake message in each datagram; -1: not a handshake record. */
function handshakeTypes(datagrams: readonly Uint8Array[]): number[] {
  return datagrams.map((datagram) => (datagram[0] === HANDSHAKE ? datagram[RECORD_HEADER_BYTES]! : -1))
}

/** Content and handshake types, RFC 5246 appendix A; the record header, RFC 6347 section 4.1. */
const ALERT = 21
const HANDSHAKE = 22
const CLIENT_HELLO = 1
const SERVER_HELLO = 2
const RECORD_HEADER_BYTES = 13
/** Behind the record and handshake headers, the version and the random. */
const HELLO_SESSION_ID_AT = RECORD_HEADER_BYTES + 12 + 2 + 32
