/**
 * What all DTLS connections of a thread share: the certificate, and what may be negotiated. docs/dtls-srtp.md.
 *
 * DTLS 1.2, both roles; ECDHE with AES-GCM; the peer must show a certificate. No cookie exchange, as
 * ICE has proved the peer's address; no tickets, no resumption, no renegotiation.
 */

import { formatFingerprint } from './certificate.ts'
import type { DtlsCertificate } from './certificate.ts'
import * as openssl from './openssl.ts'
import { PacketMemory } from '#shared/platform/packet-memory'
import { SRTP_PREFERENCE, SRTP_PROFILES } from './srtp-profile.ts'
import type { SrtpProfile } from './srtp-profile.ts'

/** What a connection is asked from inside OpenSSL, while it is being driven. */
export interface DtlsPolicy {
  /** Decides whether the certificate with this SHA-256 fingerprint is the peer's. */
  acceptPeer(fingerprint: string): boolean
  /** How long to wait before a flight is sent again: the first time, 0, and then after `previous`; milliseconds. */
  retransmitAfter(previous: number): number
}

/** Makes connections that share one certificate. */
export class DtlsContext {
  /** The SHA-256 fingerprint of the certificate, for `a=fingerprint`. */
  readonly fingerprint: string
  readonly #context: openssl.Address

  /** `profiles` are offered, and chosen from, in this order. Throws an `OpenSslError` if OpenSSL refuses. */
  constructor(certificate: DtlsCertificate, profiles: readonly SrtpProfile[] = SRTP_PREFERENCE) {
    this.fingerprint = certificate.fingerprint
    this.#context = openssl.demand(openssl.SSL_CTX_new(openssl.DTLS_method()), 'SSL_CTX_new')
    this.#limit()
    this.#use(certificate)
    const names = profiles.map((profile) => SRTP_PROFILES[profile].openSslName).join(':')
    // This function alone returns 0 for success.
    openssl.demand(
      1 - openssl.SSL_CTX_set_tlsext_use_srtp(this.#context, names),
      'SSL_CTX_set_tlsext_use_srtp',
    )
  }

  /** Makes a connection, whose owner calls `SSL_free` once; it may outlive this context. */
  createConnection(): openssl.Address {
    const ssl = openssl.demand(openssl.SSL_new(this.#context), 'SSL_new')
    openssl.DTLS_set_timer_cb(ssl, timerCallback)
    return ssl
  }

  /** Frees the context; call it once. */
  close(): void {
    openssl.SSL_CTX_free(this.#context)
  }

  #limit(): void {
    const context = this.#context
    const control = (command: number, value: number, text: string | null = null): void => {
      openssl.demand(openssl.SSL_CTX_ctrl(context, command, value, text), `SSL_CTX_ctrl ${command}`)
    }
    control(SSL_CTRL_SET_MIN_PROTO_VERSION, DTLS1_2_VERSION)
    control(SSL_CTRL_SET_MAX_PROTO_VERSION, DTLS1_2_VERSION)
    control(SSL_CTRL_SET_GROUPS_LIST, 0, GROUPS)
    // A chain would be built for every handshake, of a certificate that signs itself.
    control(SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN)
    openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_OFF, null)
    openssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MAX_CERT_LIST, MAX_CERTIFICATES_BYTES, null)
    openssl.demand(openssl.SSL_CTX_set_cipher_list(context, CIPHERS), 'SSL_CTX_set_cipher_list')
    openssl.SSL_CTX_set_options(context, OPTIONS)
  }

  #use({ certificate, privateKey }: DtlsCertificate): void {
    const context = this.#context
    openssl.demand(
      openssl.SSL_CTX_use_certificate_ASN1(context, certificate.length, certificate),
      'SSL_CTX_use_certificate_ASN1',
    )
    openssl.demand(
      openssl.SSL_CTX_use_PrivateKey_ASN1(EVP_PKEY_EC, context, privateKey, privateKey.length),
      'SSL_CTX_use_PrivateKey_ASN1',
    )
    openssl.SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, 0)
    openssl.SSL_CTX_set_cert_verify_callback(context, verifyCallback, 0)
  }
}

/** Runs `step`, an OpenSSL call on one connection, and lets `policy` answer what OpenSSL asks meanwhile. */
export function drive(
  policy: DtlsPolicy,
  step: (ssl: openssl.Address) => number,
  ssl: openssl.Address,
): number {
  driven = policy
  openssl.ERR_clear_error()
  const result = step(ssl)
  driven = undefined
  return result
}

let driven: DtlsPolicy | undefined

/**
 * Takes the place of X.509 verification, which has nothing to say about self-signed certificates, RFC 8827 section
 * 6.5. A refusal becomes a fatal alert to the peer, `bad_certificate`.
 */
const verifyCallback = openssl.registerCallback(
  'int verifyDtlsPeer(uintptr_t verification, uintptr_t argument)',
  (verification) => {
    const certificate = openssl.X509_STORE_CTX_get0_cert(verification)
    const length = scratch.address + SHA256_BYTES
    const isDone = openssl.X509_digest(certificate, openssl.EVP_sha256(), scratch.address, length) === 1
    const fingerprint = formatFingerprint(scratch.bytes.subarray(0, SHA256_BYTES))
    if (isDone && driven?.acceptPeer(fingerprint) === true) return 1
    openssl.X509_STORE_CTX_set_error(verification, X509_V_ERR_CERT_REJECTED)
    return 0
  },
)

/** OpenSSL's own timer starts at a second, too long for a call; it counts in microseconds. */
const timerCallback = openssl.registerCallback(
  'unsigned int timeDtls(uintptr_t ssl, unsigned int previous)',
  (_ssl, previous) => 1000 * (driven?.retransmitAfter(previous / 1000) ?? 1000),
)

const SHA256_BYTES = 32
const scratch = new PacketMemory(SHA256_BYTES + 8)

/**
 * The first is mandatory, RFC 8827 section 6.5, and fits our certificate; the second serves a peer that is the
 * server and shows an RSA certificate. `dtls-record.ts` counts on AES-GCM.
 */
const CIPHERS = 'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256'
const GROUPS = 'X25519:P-256:P-384'

/** A peer's self-signed certificate has 300 to 1,200 bytes. */
const MAX_CERTIFICATES_BYTES = 16_384

// ssl.h, tls1.h, evp.h, x509_vfy.h

const DTLS1_2_VERSION = 0xfefd
const SSL_CTRL_MODE = 33
const SSL_CTRL_SET_SESS_CACHE_MODE = 44
const SSL_CTRL_SET_MAX_CERT_LIST = 51
const SSL_CTRL_SET_GROUPS_LIST = 92
const SSL_CTRL_SET_MIN_PROTO_VERSION = 123
const SSL_CTRL_SET_MAX_PROTO_VERSION = 124
const SSL_MODE_NO_AUTO_CHAIN = 0x8
const SSL_MODE_RELEASE_BUFFERS = 0x10
const SSL_SESS_CACHE_OFF = 0
const SSL_VERIFY_PEER = 1
const SSL_VERIFY_FAIL_IF_NO_PEER_CERT = 2
const EVP_PKEY_EC = 408
const X509_V_ERR_CERT_REJECTED = 28
const SSL_OP_NO_QUERY_MTU = 2 ** 12
const SSL_OP_NO_TICKET = 2 ** 14
const SSL_OP_CIPHER_SERVER_PREFERENCE = 2 ** 22
const SSL_OP_NO_RENEGOTIATION = 2 ** 30
const OPTIONS =
  SSL_OP_NO_QUERY_MTU + SSL_OP_NO_TICKET + SSL_OP_CIPHER_SERVER_PREFERENCE + SSL_OP_NO_RENEGOTIATION
