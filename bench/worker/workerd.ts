/** A Worker in workerd, and the CPU time that its processes have used: Linux, from `/proc`. */

import { readdirSync, readFileSync } from 'node:fs'
import { createTestHarness } from 'wrangler'

/** A running Worker. */
export interface RunningWorker {
  readonly url: string
  /** CPU microseconds that its processes have used so far, user and system. */
  cpuMicros(): number
  close(): Promise<void>
}

/** Starts the Worker of a configuration file, built as it is deployed. */
export async function startWorker(
  root: string,
  configPath: string,
  secrets: Readonly<Record<string, string>>,
): Promise<RunningWorker> {
  const before = new Set(workerdPids())
  // Nobody asks where this machine is.
  process.env['CLOUDFLARE_CF_FETCH_ENABLED'] = 'false'
  const server = createTestHarness()
  await server.update({ root, workers: [{ configPath, secrets: { ...secrets } }] })
  const url = (await server.listen()).url.href.replace(/\/$/, '')
  const pids = workerdPids().filter((pid) => !before.has(pid))
  if (pids.length === 0) throw new Error('workerd has no process of its own here')
  return {
    url,
    cpuMicros: () => pids.reduce((sum, pid) => sum + cpuMicrosOf(pid), 0),
    close: () => server.close(),
  }
}

/** The workerd processes that this one has started. */
function workerdPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const stat = statOf(pid)
      return stat?.name === 'workerd' && stat.parent === process.pid
    })
}

function cpuMicrosOf(pid: number): number {
  return (statOf(pid)?.ticks ?? 0) * MICROS_PER_TICK
}

/** proc_pid_stat(5): the name stands in parentheses, the parent is field 4, utime and stime are fields 14 and 15. */
function statOf(pid: number): { name: string; parent: number; ticks: number } | undefined {
  try {
    const [, name = '', rest = ''] =
      /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
    const fields = rest.split(' ')
    return { name, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }
  } catch {
    return undefined
  }
}

/** USER_HZ is 100 on every Linux that Node runs on. */
const MICROS_PER_TICK = 10_000
