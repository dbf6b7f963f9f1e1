/**
 * The offers in `tests/vectors`: captures with throw-away credentials, unless the name says "composed".
 */

import { readFileSync } from 'node:fs'

export const OFFER_VECTORS = [
  'chromium156',
  'chromium156-snap',
  'chromium156-sped',
  'firefox153',
  'safari18-composed',
  'libdatachannel0.33-composed',
  'werift0.25',
] as const

/** Returns the text of the offer called `name`. */
export function offerVector(name: (typeof OFFER_VECTORS)[number]): string {
  return readFileSync(new URL(`vectors/${name}.offer.sdp`, import.meta.url), 'utf8')
}
