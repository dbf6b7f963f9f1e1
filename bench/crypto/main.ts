/**
 * What DTLS and SRTP cost: CPU time of a handshake and of each packet, beside werift's SRTP in the same run.
 *
 * Usage: node bench/crypto/main.ts [--json]. docs/dtls-srtp.md explains the choice of profile by it.
 */

import { handshakeMillis } from './handshake.ts'
import { srtpMicros, weriftSrtpMicros } from './srtp.ts'
import type { SrtpCost } from './srtp.ts'

const result = {
  handshakeMillis: handshakeMillis(),
  gcm: compare('aead-aes-128-gcm'),
  counterMode: compare('aes128-cm-sha1-80'),
}

if (process.argv.includes('--json')) console.log(JSON.stringify(result))
else {
  console.log('CPU milliseconds per handshake', result.handshakeMillis)
  console.log('CPU microseconds per packet of 92 bytes, and how many times cheaper than werift')
  console.table({ 'AES-128-GCM': result.gcm, 'AES-128-CM, HMAC-SHA1-80': result.counterMode })
}

function compare(profile: 'aead-aes-128-gcm' | 'aes128-cm-sha1-80'): SrtpCost & { vsWerift: number } {
  const ours = srtpMicros(profile)
  const theirs = weriftSrtpMicros(profile)
  const vsWerift =
    (theirs.protectMicros + theirs.unprotectMicros) / (ours.protectMicros + ours.unprotectMicros)
  return { ...ours, vsWerift }
}
