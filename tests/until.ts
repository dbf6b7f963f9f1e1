/** Waiting for what real processes and sockets will do, on a machine that may be busy. */

import { vi } from 'vitest'

/** Waits until `check` no longer throws; the bound is for a test that fails, not for one that is slow. */
export function until<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: 15_000, interval: 20 })
}
