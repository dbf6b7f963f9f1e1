/** Handshakes with the DTLS of werift, in both roles: an implementation that shares no code with OpenSSL. */

import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import {
  Event,
  ProtectionProfileAeadAes128Gcm,
  ProtectionProfileAes128CmHmacSha1_80,
  RTCCertificate,
  RTCDtlsFingerprint,
  RTCDtlsParameters,
  RTCDtlsTransport,
} from 'werift'
import type { RTCIceTransport } from 'werift'
import { expect, test } from 'vitest'
import { sha256 } from '#shared/platform/crypto'
import { until } from '../../tests/until.ts'
import { formatFingerprint, signCertificate } from './certificate.ts'
import type { DtlsRole } from './dtls.ts'
import { TEST_CONTEXTS, openPeer } from './test-network.ts'
import type { TestPeer } from './test-network.ts'

const PROFILES = {
  'aead-aes-128-gcm': ProtectionProfileAeadAes128Gcm,
  'aes128-cm-sha1-80': ProtectionProfileAes128CmHmacSha1_80,
} as const

const cases = (['client', 'server'] as const).flatMap((role) =>
  (['ecdsa', 'rsa'] as const).flatMap((kind) =>
    (['aead-aes-128-gcm', 'aes128-cm-sha1-80'] as const).map((profile) => ({ role, kind, profile })),
  ),
)

test.each(cases)('connects as $role to werift with an $kind certificate, $profile', async (setup) => {
  const { role, kind, profile } = setup
  const certificate = weriftCertificate(kind)
  const fromNetwork = new Event<[Buffer]>()
  const connection = {
    onData: fromNetwork,
    send: async (bytes: Buffer) => void peer.endpoint.handleDatagram(bytes, 0, bytes.length),
    close: async () => {},
  }
  const ice = { connection, role: 'controlling', stop: async () => {} } as unknown as RTCIceTransport
  const theirs = new RTCDtlsTransport({}, ice, certificate.forWerift, [PROFILES[profile]])
  let goodbye: Buffer | undefined
  const peer: TestPeer = openPeer({
    role,
    // A flight that comes twice because the machine is slow makes werift draw its keys again.
    firstRetransmit: 30_000,
    onGoodbye: (record) => (goodbye = Buffer.from(record)),
    fingerprints: [certificate.fingerprint],
    onSend: (datagram) => {
      const copy = Buffer.from(datagram)
      queueMicrotask(() => fromNetwork.execute(copy))
    },
  })
  const received: string[] = []
  theirs.dataReceiver = (data) => received.push(data.toString())
  theirs.role = role === 'client' ? 'server' : 'client'
  theirs.setRemoteParams(ourParameters(role))
  const isConnected = theirs.start()
  peer.endpoint.start()
  await isConnected

  const keys = peer.connections.at(0)
  const theirKeys = theirs.srtp.config.keys
  expect(keys?.profile).toBe(profile)
  expect(Buffer.from(keys!.localKey)).toEqual(theirKeys.remoteMasterKey)
  expect(Buffer.from(keys!.localSalt)).toEqual(theirKeys.remoteMasterSalt)
  expect(Buffer.from(keys!.remoteKey)).toEqual(theirKeys.localMasterKey)
  expect(Buffer.from(keys!.remoteSalt)).toEqual(theirKeys.localMasterSalt)

  peer.endpoint.send(new TextEncoder().encode('from OpenSSL'))
  await theirs.sendData(Buffer.from('from werift'))
  await until(() => expect(received).toEqual(['from OpenSSL']))
  expect(peer.received.map((data) => new TextDecoder().decode(data))).toEqual(['from werift'])
  expect([...decrypt(theirs, goodbye!)]).toEqual(CLOSE_NOTIFY)
  peer.endpoint.close()
  await theirs.stop()
})

function ourParameters(role: DtlsRole): RTCDtlsParameters {
  return new RTCDtlsParameters([new RTCDtlsFingerprint('sha-256', TEST_CONTEXTS[role].fingerprint)], role)
}

/** Opens a record with werift's keys; werift itself takes an alert's nonce for its content. */
function decrypt({ dtls }: RTCDtlsTransport, record: Buffer): Buffer {
  const recordLayerHeader = {
    contentType: record[0],
    protocolVersion: { major: record[1], minor: record[2] },
    epoch: record.readUInt16BE(3),
    sequenceNumber: record.readUIntBE(5, 6),
  }
  return dtls!.cipher.decryptPacket({ recordLayerHeader, fragment: record.subarray(13) } as never)
}

/** The signature and hash algorithms of RFC 5246 section 7.4.1.4.1, as werift wants them told. */
function weriftCertificate(kind: 'ecdsa' | 'rsa'): { forWerift: RTCCertificate; fingerprint: string } {
  const { privateKey } =
    kind === 'ecdsa'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  const der = signCertificate(privateKey.export({ type: kind === 'ecdsa' ? 'sec1' : 'pkcs1', format: 'der' }))
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const algorithm = { hash: 4, signature: kind === 'ecdsa' ? 3 : 1 }
  const forWerift = new RTCCertificate(keyPem, new X509Certificate(der).toString(), algorithm as never)
  return { forWerift, fingerprint: formatFingerprint(sha256(der)) }
}

/** A warning, RFC 5246 section 7.2. */
const CLOSE_NOTIFY = [1, 0]
