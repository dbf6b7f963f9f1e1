/** Watches the upstreams that flows lead to, by pings: docs/link.md, "Ping and pong". */

import type { LinkHealth } from '#shared/link/link-health'
import type { LinkReader } from '#shared/link/frame'
import { LINK_TOKEN_BYTES, LINK_TYPE_PING, writeLinkProbe } from '#shared/link/frame'
import { millisOf } from '#shared/time'
import type { Millis } from '#shared/time'
import type { FlowTable } from './flow-table.ts'
import type { Upstreams } from './upstreams.ts'

/** The watch over the upstreams of one relay; without a `LinkHealth` it watches none. */
export class UpstreamWatch {
  readonly #health: LinkHealth | undefined
  readonly #upstreams: Upstreams
  readonly #flows: FlowTable

  constructor(health: LinkHealth | undefined, upstreams: Upstreams, flows: FlowTable) {
    this.#health = health
    this.#upstreams = upstreams
    this.#flows = flows
  }

  /** How many upstreams have been lost so far. */
  get losses(): number {
    return this.#health?.losses ?? 0
  }

  /** Looks at each upstream: it is watched for as long as flows lead to it, so one that drains and leaves is not lost. */
  handleTimeout(now: Millis): void {
    const health = this.#health
    if (health === undefined) return
    for (const upstream of this.#upstreams.indexes()) {
      if (this.#flows.flowsTo(upstream) > 0) health.noteTraffic(upstream, now)
      else health.forget(upstream)
    }
    health.handleTimeout(now)
  }

  /** Returns when `handleTimeout` is due. */
  pollTimeout(): Millis {
    return this.#health?.pollTimeout() ?? millisOf(Infinity)
  }

  /** Writes the next ping that is due, `LINK_PROBE_BYTES` at `at`, and returns the upstream to send it to, or -1. */
  nextPing(memory: Uint8Array, at: number, cookie: Uint8Array): number {
    const ping = this.#health?.nextPing()
    if (ping === undefined) return -1
    writeLinkProbe(memory, at, LINK_TYPE_PING, cookie, ping.token)
    return ping.peer
  }

  /** Takes the pong that `link` has open; false: it answers no ping. */
  handlePong(sender: number, memory: Uint8Array, { tokenStart }: LinkReader, now: Millis): boolean {
    const token = memory.subarray(tokenStart, tokenStart + LINK_TOKEN_BYTES)
    return this.#health?.handlePong(sender, token, now) === true
  }
}
