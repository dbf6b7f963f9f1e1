/** The backend that is always there: the embedded demo agent, which needs no key and no network (docs/demo-agent.md). */

import { toHex } from '#shared/bytes'
import { epochNow } from '#shared/platform/clock'
import { randomBytes } from '#shared/platform/crypto'
import type { Backend } from '../backends/backend.ts'
import { DemoAgent } from './demo-agent.ts'
import type { AgentParts } from './demo-agent.ts'
import { FIXED_SENTENCES } from './brain.ts'
import { FliteVoice } from './voice.ts'

/** The demo agent as a backend; it holds a thread until it is closed. */
export interface DemoBackend extends Backend {
  /** Ends the thread; open conversations go on without a voice. */
  close(): Promise<void>
}

/** Starts the demo agent; `parts` replaces what a test wants in its hands. One per process. */
export function createDemoBackend(parts: Partial<AgentParts> = {}): DemoBackend {
  const voice = new FliteVoice()
  if (parts.voice === undefined) void voice.prepare(FIXED_SENTENCES)
  const agentParts = { voice, mintId, now: epochNow, ...parts }
  return {
    open: (call, output) => new DemoAgent(call, output, agentParts),
    close: () => voice.close(),
  }
}

/** 96 bits are unique for ever, and the id stays within the 32 characters that the API allows. */
const mintId: AgentParts['mintId'] = (prefix) => `${prefix}_${toHex(randomBytes(ID_BYTES))}`

const ID_BYTES = 12
