/** Chooses the backend of a transceiver, by its configuration: docs/backends.md. */

import { toBase64Url } from '#shared/bytes'
import { randomBytes } from '#shared/platform/crypto'
import type { Backend } from './backend.ts'
import { createRealtimeBackend } from './realtime.ts'
import type { RealtimeTarget } from './realtime.ts'
import { createDemoBackend } from '../demo/agent.ts'

/** Opens the backend at `target`, or the embedded agent when there is none; one per thread that serves calls. */
export function openBackend(target: RealtimeTarget | undefined): Backend {
  if (target === undefined) return createDemoBackend()
  return createRealtimeBackend({ target, mintId: (prefix) => `${prefix}_${toBase64Url(randomBytes(12))}` })
}
