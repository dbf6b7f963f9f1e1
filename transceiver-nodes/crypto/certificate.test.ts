import { X509Certificate, createPrivateKey } from 'node:crypto'
import { expect, test } from 'vitest'
import { createCertificate, formatFingerprint } from './certificate.ts'

test('makes a self-signed P-256 certificate that OpenSSL and Node agree on', () => {
  const { certificate, privateKey, fingerprint } = createCertificate()
  const parsed = new X509Certificate(certificate)
  const key = createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'sec1' })
  expect(parsed.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1')
  expect(parsed.verify(parsed.publicKey)).toBe(true)
  expect(parsed.checkPrivateKey(key)).toBe(true)
  expect(parsed.issuer).toBe(parsed.subject)
  expect(parsed.fingerprint256).toBe(fingerprint)
})

test('is valid since yesterday, and for a year', () => {
  const parsed = new X509Certificate(createCertificate().certificate)
  const day = 86_400_000
  const now = Date.now()
  expect(Math.abs(parsed.validFromDate.getTime() - (now - day))).toBeLessThan(60_000)
  expect(Math.abs(parsed.validToDate.getTime() - (now + 365 * day))).toBeLessThan(60_000)
})

test('repeats neither key nor serial number nor name', () => {
  const made = Array.from({ length: 20 }, () => new X509Certificate(createCertificate().certificate))
  expect(new Set(made.map((certificate) => certificate.serialNumber)).size).toBe(20)
  expect(new Set(made.map((certificate) => certificate.subject)).size).toBe(20)
  expect(new Set(made.map((certificate) => certificate.fingerprint256)).size).toBe(20)
})

test('writes a fingerprint as SDP does', () => {
  expect(formatFingerprint(Uint8Array.of(0, 0xab, 0x1f))).toBe('00:AB:1F')
})
