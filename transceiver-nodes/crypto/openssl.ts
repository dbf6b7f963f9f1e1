/**
 * The functions of OpenSSL that Firsthop calls, reached through koffi in the Node binary itself: docs/dtls-srtp.md.
 *
 * Node exports the symbols of the OpenSSL it carries for its addons; `koffi.load(null)` finds them there, so no
 * library is shipped or searched. Functions keep their C names and meaning (`man <name>` of OpenSSL 3.5). Importing
 * this file throws a `NativeError` when a function is missing.
 */

import koffi from 'koffi'
import { bindNative as bind } from '#shared/platform/native'
import type { Address } from '#shared/platform/native'

export type { Address }

/** OpenSSL refused what only a fault of this program or of the machine explains. */
export class OpenSslError extends Error {
  override readonly name = 'OpenSslError'
  readonly code = 'call-failed'
}

/** Returns `result` if it is positive; throws an `OpenSslError` otherwise. */
export function demand(result: number, call: string): number {
  if (result > 0) return result
  const reason = ERR_reason_error_string(drainErrors()) ?? 'no reason given'
  throw new OpenSslError(`${call}: ${reason}`)
}

/**
 * Empties this thread's error queue and returns the error that came first, 0 if there was none.
 *
 * Every path that may fail ends with it: all connections, and Node's own crypto, share the queue.
 */
export function drainErrors(): number {
  const first = ERR_get_error()
  if (first !== 0) ERR_clear_error()
  return first
}

/** The reason in an error of the SSL library (`ERR_GET_REASON`, err.h); 0 if it comes from another library. */
export function sslReasonOf(error: number): number {
  const origin = (error >>> ERR_LIB_OFFSET) & ERR_LIB_MASK
  return origin === ERR_LIB_SSL ? error & ERR_REASON_MASK : 0
}

/** Makes `handler` callable from C, under the prototype of `declaration`, for the life of this thread. */
export function registerCallback(declaration: string, handler: (...values: number[]) => number): Address {
  return Number(koffi.register(handler, koffi.pointer(koffi.proto(declaration))))
}

/** Writes `value` where C expects a pointer. */
export function writePointer(at: Address, value: Address): void {
  koffi.encode(BigInt(at), 'uintptr_t', value)
}

/** Reads the `unsigned long` at `at`. */
export function readUnsignedLong(at: Address): number {
  return Number(koffi.decode(BigInt(at), 'unsigned long'))
}

/** Reads the `struct timeval` at `at`, in milliseconds. */
export function readTimeval(at: Address): number {
  const { seconds, micros } = koffi.decode(BigInt(at), TIMEVAL) as { seconds: number; micros: number }
  return seconds * 1000 + micros / 1000
}

/** Writes a list of one OSSL_PARAM (core.h); what it points to must live as long as the list. */
export function writeParameter(at: Address, key: Address, type: number, data: Address, bytes: number): void {
  koffi.encode(BigInt(at), OSSL_PARAM, { key, type, data, bytes, returned: 0 })
  koffi.encode(BigInt(at + OSSL_PARAM_BYTES), OSSL_PARAM, { key: 0, type: 0, data: 0, bytes: 0, returned: 0 })
}

/** Size of an address in memory. */
export const POINTER_BYTES = koffi.sizeof('uintptr_t')

const TIMEVAL = koffi.struct({ seconds: 'long', micros: 'long' })
const OSSL_PARAM = koffi.struct({
  key: 'uintptr_t',
  type: 'unsigned int',
  data: 'uintptr_t',
  bytes: 'size_t',
  returned: 'size_t',
})
const OSSL_PARAM_BYTES = koffi.sizeof(OSSL_PARAM)

// err.h

const ERR_get_error = bind('unsigned long ERR_get_error()')
const ERR_reason_error_string = bind('const char *ERR_reason_error_string(unsigned long error)')
export const ERR_clear_error = bind('void ERR_clear_error()')

// evp.h

export const EVP_CIPHER_fetch = bind(
  'uintptr_t EVP_CIPHER_fetch(uintptr_t library, const char *name, const char *properties)',
)
export const EVP_CIPHER_CTX_new = bind('uintptr_t EVP_CIPHER_CTX_new()')
export const EVP_CIPHER_CTX_ctrl = bind(
  'int EVP_CIPHER_CTX_ctrl(uintptr_t context, int command, int number, uintptr_t pointer)',
)
export const EVP_EncryptInit_ex2 = bind(
  'int EVP_EncryptInit_ex2(uintptr_t context, uintptr_t cipher, uintptr_t key, uintptr_t iv, uintptr_t parameters)',
)
export const EVP_DecryptInit_ex2 = bind(
  'int EVP_DecryptInit_ex2(uintptr_t context, uintptr_t cipher, uintptr_t key, uintptr_t iv, uintptr_t parameters)',
)
export const EVP_EncryptUpdate = bind(
  'int EVP_EncryptUpdate(uintptr_t context, uintptr_t out, uintptr_t outLength, uintptr_t data, int length)',
)
export const EVP_DecryptUpdate = bind(
  'int EVP_DecryptUpdate(uintptr_t context, uintptr_t out, uintptr_t outLength, uintptr_t data, int length)',
)
export const EVP_EncryptFinal_ex = bind(
  'int EVP_EncryptFinal_ex(uintptr_t context, uintptr_t out, uintptr_t outLength)',
)
export const EVP_DecryptFinal_ex = bind(
  'int EVP_DecryptFinal_ex(uintptr_t context, uintptr_t out, uintptr_t outLength)',
)
export const EVP_MAC_fetch = bind(
  'uintptr_t EVP_MAC_fetch(uintptr_t library, const char *name, const char *properties)',
)
export const EVP_MAC_CTX_new = bind('uintptr_t EVP_MAC_CTX_new(uintptr_t mac)')
export const EVP_MAC_init = bind(
  'int EVP_MAC_init(uintptr_t context, uintptr_t key, size_t keyLength, uintptr_t parameters)',
)
export const EVP_MAC_update = bind('int EVP_MAC_update(uintptr_t context, uintptr_t data, size_t length)')
export const EVP_MAC_final = bind(
  'int EVP_MAC_final(uintptr_t context, uintptr_t out, uintptr_t outLength, size_t room)',
)
export const EVP_sha256 = bind('uintptr_t EVP_sha256()')
export const EVP_PKEY_free = bind('void EVP_PKEY_free(uintptr_t key)')

// x509.h, x509_vfy.h, asn1.h

export const X509_new = bind('uintptr_t X509_new()')
export const X509_free = bind('void X509_free(uintptr_t certificate)')
export const X509_set_version = bind('int X509_set_version(uintptr_t certificate, long version)')
export const X509_get_serialNumber = bind('uintptr_t X509_get_serialNumber(uintptr_t certificate)')
export const ASN1_INTEGER_set_uint64 = bind('int ASN1_INTEGER_set_uint64(uintptr_t integer, uint64_t value)')
export const X509_getm_notBefore = bind('uintptr_t X509_getm_notBefore(uintptr_t certificate)')
export const X509_getm_notAfter = bind('uintptr_t X509_getm_notAfter(uintptr_t certificate)')
export const X509_gmtime_adj = bind('uintptr_t X509_gmtime_adj(uintptr_t time, long seconds)')
export const X509_get_subject_name = bind('uintptr_t X509_get_subject_name(uintptr_t certificate)')
export const X509_set_issuer_name = bind('int X509_set_issuer_name(uintptr_t certificate, uintptr_t name)')
export const X509_NAME_add_entry_by_txt = bind(
  'int X509_NAME_add_entry_by_txt(uintptr_t name, const char *field, int type, const char *text, int length, int at, int set)',
)
export const X509_set_pubkey = bind('int X509_set_pubkey(uintptr_t certificate, uintptr_t key)')
export const X509_sign = bind('int X509_sign(uintptr_t certificate, uintptr_t key, uintptr_t digest)')
export const X509_digest = bind(
  'int X509_digest(uintptr_t certificate, uintptr_t digest, uintptr_t out, uintptr_t outLength)',
)
export const i2d_X509 = bind('int i2d_X509(uintptr_t certificate, uintptr_t out)')
export const d2i_AutoPrivateKey = bind(
  'uintptr_t d2i_AutoPrivateKey(uintptr_t reuse, uintptr_t input, long length)',
)
export const X509_STORE_CTX_get0_cert = bind('uintptr_t X509_STORE_CTX_get0_cert(uintptr_t verification)')
export const X509_STORE_CTX_set_error = bind(
  'void X509_STORE_CTX_set_error(uintptr_t verification, int error)',
)

// bio.h

export const BIO_s_dgram_mem = bind('uintptr_t BIO_s_dgram_mem()')
export const BIO_new = bind('uintptr_t BIO_new(uintptr_t method)')
export const BIO_ctrl = bind('long BIO_ctrl(uintptr_t bio, int command, long number, uintptr_t pointer)')
export const BIO_read = bind('int BIO_read(uintptr_t bio, uintptr_t out, int room)')
export const BIO_write = bind('int BIO_write(uintptr_t bio, uintptr_t data, int length)')

// ssl.h, srtp.h

export const DTLS_method = bind('uintptr_t DTLS_method()')
export const SSL_CTX_new = bind('uintptr_t SSL_CTX_new(uintptr_t method)')
export const SSL_CTX_free = bind('void SSL_CTX_free(uintptr_t context)')
export const SSL_CTX_ctrl = bind(
  'long SSL_CTX_ctrl(uintptr_t context, int command, long number, const char *text)',
)
export const SSL_CTX_set_options = bind('uint64_t SSL_CTX_set_options(uintptr_t context, uint64_t options)')
export const SSL_CTX_set_cipher_list = bind(
  'int SSL_CTX_set_cipher_list(uintptr_t context, const char *ciphers)',
)
export const SSL_CTX_set_tlsext_use_srtp = bind(
  'int SSL_CTX_set_tlsext_use_srtp(uintptr_t context, const char *profiles)',
)
export const SSL_CTX_use_certificate_ASN1 = bind(
  'int SSL_CTX_use_certificate_ASN1(uintptr_t context, int length, const uint8_t *certificate)',
)
export const SSL_CTX_use_PrivateKey_ASN1 = bind(
  'int SSL_CTX_use_PrivateKey_ASN1(int type, uintptr_t context, const uint8_t *key, long length)',
)
export const SSL_CTX_set_verify = bind(
  'void SSL_CTX_set_verify(uintptr_t context, int mode, uintptr_t callback)',
)
export const SSL_CTX_set_cert_verify_callback = bind(
  'void SSL_CTX_set_cert_verify_callback(uintptr_t context, uintptr_t callback, uintptr_t argument)',
)
export const SSL_new = bind('uintptr_t SSL_new(uintptr_t context)')
export const SSL_free = bind('void SSL_free(uintptr_t ssl)')
export const SSL_set_bio = bind('void SSL_set_bio(uintptr_t ssl, uintptr_t input, uintptr_t output)')
export const SSL_ctrl = bind('long SSL_ctrl(uintptr_t ssl, int command, long number, uintptr_t pointer)')
export const DTLS_set_timer_cb = bind('void DTLS_set_timer_cb(uintptr_t ssl, uintptr_t callback)')
export const SSL_set_connect_state = bind('void SSL_set_connect_state(uintptr_t ssl)')
export const SSL_set_accept_state = bind('void SSL_set_accept_state(uintptr_t ssl)')
export const SSL_do_handshake = bind('int SSL_do_handshake(uintptr_t ssl)')
export const SSL_read = bind('int SSL_read(uintptr_t ssl, uintptr_t out, int room)')
export const SSL_write = bind('int SSL_write(uintptr_t ssl, uintptr_t data, int length)')
export const SSL_free_buffers = bind('int SSL_free_buffers(uintptr_t ssl)')
export const SSL_shutdown = bind('int SSL_shutdown(uintptr_t ssl)')
export const SSL_set_shutdown = bind('void SSL_set_shutdown(uintptr_t ssl, int mode)')
export const SSL_get_error = bind('int SSL_get_error(uintptr_t ssl, int result)')
export const SSL_get_selected_srtp_profile = bind('uintptr_t SSL_get_selected_srtp_profile(uintptr_t ssl)')
export const SSL_export_keying_material = bind(
  'int SSL_export_keying_material(uintptr_t ssl, uintptr_t out, size_t outLength, const char *label, size_t labelLength, uintptr_t context, size_t contextLength, int useContext)',
)

/** An error is `library << 23 | reason`, err.h; the SSL library has number 20. */
const ERR_LIB_OFFSET = 23
const ERR_LIB_MASK = 0xff
const ERR_LIB_SSL = 20
const ERR_REASON_MASK = 0x7fffff
