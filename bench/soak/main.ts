/**
 * `npm run bench:soak`: calls that come and go for a long time on one media engine. Its memory, descriptors and
 * handles should stay as they are, and no call should end but by its client. docs/transceiver.md, "What it costs".
 *
 * Usage: node bench/soak/main.ts [--minutes 20] [--calls 200] [--json]
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startEngine } from '../transceiver/contenders.ts'
import type { ServerReport } from '../transceiver/line-server.ts'
import { PLAIN_PACKET } from '../transceiver/speech.ts'

/** Calls of 100 s: one in a hundred leaves each second, and another comes. */
const SHARE_LEAVING = 0.01
const SAMPLES = 20
const FRAMES_PER_DATAGRAM = 4

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    calls: { type: 'string', default: '200' },
    json: { type: 'boolean' },
  },
})
const [minutes, wanted] = [Number(values.minutes), Number(values.calls)]
const engine = await startEngine('codec', [PLAIN_PACKET], FRAMES_PER_DATAGRAM)
const calls: number[] = []
const samples: ReturnType<typeof sampleOf>[] = []
try {
  while (calls.length < wanted) await place()
  const startedAt = performance.now()
  const length = minutes * 60_000
  while (performance.now() < startedAt + length) {
    await turnOver(Math.max(1, Math.round(wanted * SHARE_LEAVING)))
    const elapsed = performance.now() - startedAt
    if (elapsed >= (samples.length * length) / SAMPLES) await note(elapsed)
    await sleep(1_000)
  }
  await note(length)
} finally {
  await engine.close()
}

// The first fifth is for pools and compilers to fill.
const settled = samples[Math.floor(samples.length / 5)]
const last = samples.at(-1)
const figures = {
  minutes,
  calls: wanted,
  placed: last?.placed ?? 0,
  unexplainedEndings: last?.unexplained ?? 0,
  echoedShare: Math.round((engine.echoed / engine.sent) * 1_000) / 1_000,
  megabytes: { settled: settled?.megabytes ?? 0, end: last?.megabytes ?? 0 },
  descriptors: { settled: settled?.descriptors ?? 0, end: last?.descriptors ?? 0 },
  handles: { settled: settled?.handles ?? 0, end: last?.handles ?? 0 },
}
if (values.json === true) console.log(JSON.stringify(figures))
else {
  console.table(samples)
  console.log(JSON.stringify(figures, undefined, 2))
}
process.exit(figures.unexplainedEndings === 0 ? 0 : 1)

async function place(): Promise<void> {
  const id = await engine.call()
  calls.push(id)
  engine.talk(id)
}

/** The oldest calls leave, and as many come. */
async function turnOver(count: number): Promise<void> {
  for (const id of calls.splice(0, count)) engine.hangUp(id)
  for (let i = 0; i < count; i++) await place()
}

async function note(elapsed: number): Promise<void> {
  await engine.collect()
  const sample = sampleOf(elapsed, await engine.report())
  samples.push(sample)
  console.error(JSON.stringify(sample))
}

function sampleOf(elapsed: number, report: ServerReport) {
  const { rssBytes, descriptors, handles, active = 0, placed = 0, unexplained = 0 } = report
  return {
    minute: Math.round(elapsed / 6_000) / 10,
    megabytes: Math.round(rssBytes / 2 ** 20),
    descriptors,
    handles,
    active,
    placed,
    unexplained,
  }
}
