/**
 * The datagrams in `tests/vectors`, one in hex a line: captures of browsers with throw-away credentials.
 */

import { readFileSync } from 'node:fs'
import { fromHex } from '#shared/bytes'

export const DTLS_VECTORS = ['chromium156.dtls', 'chromium156-sped.dtls', 'firefox153.dtls'] as const
export const STUN_VECTORS = ['chromium156.stun', 'chromium156-sped.stun'] as const

/** Returns the datagrams of the capture called `name`, in the order they came. */
export function datagramVectors(
  name: (typeof DTLS_VECTORS)[number] | (typeof STUN_VECTORS)[number],
): Uint8Array[] {
  const lines = readFileSync(new URL(`vectors/${name}.hex`, import.meta.url), 'utf8')
    .trim()
    .split('\n')
  return lines.map((line) => {
    const bytes = fromHex(line)
    if (bytes === undefined) throw new Error(`${name}.hex has a line that is not hex`)
    return bytes
  })
}

/** The password of our end in the STUN captures. */
export const STUN_VECTOR_PASSWORD = 'firsthopTestVectorPassword00'
