/**
 * Takes the SRTP keys out of a finished handshake: RFC 5764 section 4.2.
 *
 *     client key 16 | server key 16 | client salt | server salt      12 or 14 bytes of salt, by profile
 */

import * as openssl from './openssl.ts'
import { PacketMemory } from '#shared/platform/packet-memory'
import { SRTP_KEY_BYTES, SRTP_PROFILES } from './srtp-profile.ts'
import type { SrtpKeys, SrtpProfile } from './srtp-profile.ts'

/** The keys of the end that was `role`; `undefined` if no profile was agreed on. */
export function exportSrtpKeys(ssl: openssl.Address, role: 'client' | 'server'): SrtpKeys | undefined {
  const profile = selectedProfile(ssl)
  if (profile === undefined) return undefined
  const { saltBytes } = SRTP_PROFILES[profile]
  const material = exportMaterial(ssl, 2 * (SRTP_KEY_BYTES + saltBytes))
  const saltsAt = 2 * SRTP_KEY_BYTES
  const keyOf = (at: number): Uint8Array => material.subarray(at, at + SRTP_KEY_BYTES)
  const saltOf = (at: number): Uint8Array => material.subarray(at, at + saltBytes)
  const client = { key: keyOf(0), salt: saltOf(saltsAt) }
  const server = { key: keyOf(SRTP_KEY_BYTES), salt: saltOf(saltsAt + saltBytes) }
  const [local, remote] = role === 'client' ? [client, server] : [server, client]
  return {
    profile,
    localKey: local.key,
    localSalt: local.salt,
    remoteKey: remote.key,
    remoteSalt: remote.salt,
  }
}

function selectedProfile(ssl: openssl.Address): SrtpProfile | undefined {
  const selected = openssl.SSL_get_selected_srtp_profile(ssl)
  if (selected === 0) return undefined
  // struct srtp_protection_profile_st { const char *name; unsigned long id; }, srtp.h.
  const id = openssl.readUnsignedLong(selected + openssl.POINTER_BYTES)
  return PROFILES.find((profile) => SRTP_PROFILES[profile].id === id)
}

function exportMaterial(ssl: openssl.Address, length: number): Uint8Array {
  const { bytes, address } = scratch
  openssl.demand(
    openssl.SSL_export_keying_material(ssl, address, length, LABEL, LABEL.length, 0, 0, 0),
    'SSL_export_keying_material',
  )
  const material = bytes.slice(0, length)
  bytes.fill(0)
  return material
}

const LABEL = 'EXTRACTOR-dtls_srtp'
const PROFILES = Object.keys(SRTP_PROFILES) as SrtpProfile[]

/** Room for the longest material: two keys and two salts of 14 bytes. */
const scratch = new PacketMemory(60)
