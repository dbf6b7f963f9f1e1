/**
 * The certificate that a process shows to its peers: self-signed, ECDSA P-256, made at start, kept in memory only.
 *
 * Peers know it by its fingerprint in the answer and by nothing else (RFC 8827 section 6.5, RFC 8122), so it names
 * nobody and no name, date or issuer in it is ever checked. It is plain data and can be handed to other threads.
 */

import { generateKeyPairSync } from 'node:crypto'
import { toHex } from '#shared/bytes'
import { randomBytes, sha256 } from '#shared/platform/crypto'
import * as openssl from './openssl.ts'
import { PacketMemory } from '#shared/platform/packet-memory'

export interface DtlsCertificate {
  /** The X.509 certificate, DER. */
  readonly certificate: Uint8Array
  /** Its private key, SEC 1 DER (RFC 5915). */
  readonly privateKey: Uint8Array
  /** The SHA-256 fingerprint as SDP writes it: upper-case hexadecimal digits, a colon between bytes. */
  readonly fingerprint: string
}

/** Makes a new key and certificate; throws an `OpenSslError` if OpenSSL cannot. */
export function createCertificate(): DtlsCertificate {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'sec1', format: 'der' },
  })
  const certificate = signCertificate(privateKey)
  return { certificate, privateKey, fingerprint: formatFingerprint(sha256(certificate)) }
}

/** Writes a digest as an SDP fingerprint, RFC 8122 section 5. */
export function formatFingerprint(digest: Uint8Array): string {
  return toHex(digest)
    .toUpperCase()
    .replace(/..(?=.)/g, '$&:')
}

/** Signs a certificate for `privateKey`, DER of an EC or RSA key, with itself; returns DER. */
export function signCertificate(privateKey: Uint8Array): Uint8Array {
  const memory = new PacketMemory(MAX_DER_BYTES + openssl.POINTER_BYTES)
  const key = readPrivateKey(memory, privateKey)
  const x509 = openssl.X509_new()
  try {
    openssl.demand(x509, 'X509_new')
    describe(x509)
    openssl.demand(openssl.X509_set_pubkey(x509, key), 'X509_set_pubkey')
    openssl.demand(openssl.X509_sign(x509, key, openssl.EVP_sha256()), 'X509_sign')
    return writeCertificate(memory, x509)
  } finally {
    openssl.X509_free(x509)
    openssl.EVP_PKEY_free(key)
    memory.bytes.fill(0)
  }
}

/** Gives the certificate a serial number, a name and a validity, RFC 5280 section 4.1.2. */
function describe(x509: openssl.Address): void {
  const serial = new DataView(randomBytes(8).buffer).getBigUint64(0)
  const name = openssl.X509_get_subject_name(x509)
  openssl.demand(openssl.X509_set_version(x509, X509_VERSION_3), 'X509_set_version')
  openssl.demand(openssl.ASN1_INTEGER_set_uint64(openssl.X509_get_serialNumber(x509), serial), 'ASN1_INTEGER')
  openssl.demand(openssl.X509_gmtime_adj(openssl.X509_getm_notBefore(x509), -DAY_SECONDS), 'notBefore')
  openssl.demand(openssl.X509_gmtime_adj(openssl.X509_getm_notAfter(x509), VALID_SECONDS), 'notAfter')
  openssl.demand(
    openssl.X509_NAME_add_entry_by_txt(name, 'CN', MBSTRING_ASC, toHex(randomBytes(8)), -1, -1, 0),
    'CN',
  )
  openssl.demand(openssl.X509_set_issuer_name(x509, name), 'X509_set_issuer_name')
}

/** Behind the DER stands the pointer to it: the `d2i` and `i2d` functions take one and move it on. */
function readPrivateKey(memory: PacketMemory, der: Uint8Array): openssl.Address {
  const pointer = memory.address + MAX_DER_BYTES
  memory.bytes.set(der)
  openssl.writePointer(pointer, memory.address)
  return openssl.demand(openssl.d2i_AutoPrivateKey(0, pointer, der.length), 'd2i_AutoPrivateKey')
}

function writeCertificate(memory: PacketMemory, x509: openssl.Address): Uint8Array {
  const pointer = memory.address + MAX_DER_BYTES
  const length = openssl.demand(openssl.i2d_X509(x509, 0), 'i2d_X509')
  if (length > MAX_DER_BYTES) throw new RangeError(`a certificate of ${length} bytes`)
  openssl.writePointer(pointer, memory.address)
  openssl.i2d_X509(x509, pointer)
  return memory.bytes.slice(0, length)
}

/** A P-256 certificate has about 300 bytes and its key 121; of RSA with 2,048 bits, 700 and 1,190. */
const MAX_DER_BYTES = 2048

/** Version 3 is written 2, RFC 5280 section 4.1.2.1; MBSTRING_ASC, asn1.h. */
const X509_VERSION_3 = 2
const MBSTRING_ASC = 0x1001

/** A day back for peers whose clock is slow, and a year, though no peer looks: it ends with the process. */
const DAY_SECONDS = 86_400
const VALID_SECONDS = 365 * DAY_SECONDS
