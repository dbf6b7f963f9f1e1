/** Every fuzz target. */

import type { FuzzTarget } from './target.ts'
import { audioFrame, backendEvent } from './targets/backend.ts'
import { clientSecret, control, signature } from './targets/control.ts'
import { fleet } from './targets/fleet.ts'
import { ice } from './targets/ice.ts'
import { link } from './targets/link.ts'
import { offer } from './targets/offer.ts'
import { realtime } from './targets/realtime.ts'
import { relay } from './targets/relay.ts'
import { rfc4571 } from './targets/rfc4571.ts'
import { rtcp } from './targets/rtcp.ts'
import { dtlsRecord, opus, red, rtp } from './targets/rtp.ts'
import { dcep, sctp } from './targets/sctp.ts'
import { stun } from './targets/stun.ts'
import { bindingRow, encodings, endpoint, keyList } from './targets/text.ts'
import { ufrag } from './targets/ufrag.ts'
import { wav } from './targets/wav.ts'

export const TARGETS: readonly FuzzTarget[] = [
  relay,
  ice,
  stun,
  ufrag,
  link,
  rfc4571,
  offer,
  sctp,
  dcep,
  rtp,
  rtcp,
  red,
  opus,
  dtlsRecord,
  fleet,
  control,
  signature,
  clientSecret,
  realtime,
  audioFrame,
  backendEvent,
  encodings,
  endpoint,
  keyList,
  bindingRow,
  wav,
]
