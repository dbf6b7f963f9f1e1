/**
 * `npm run bench:worker`: the CPU time of workerd for one call request, against a bare Hono handler in the same run.
 * docs/benchmarks.md explains the method.
 *
 * `--quick` sends fewer requests; `--json` prints the figures as one JSON object on the last line.
 */

import { epochNow } from '#shared/platform/clock'
import { openLog } from '#shared/platform/log'
import { openStore } from '#shared/platform/store'
import { startFleetMember } from '#shared/platform/fleet-member'
import { startLocalStore } from '../../scripts/local-store/server.ts'
import { relayRecord, transceiverRecord } from '../../tests/fleet-records.ts'
import { offerVector } from '../../tests/offer-vectors.ts'
import { ScriptedTransceiver } from '../../tests/system/scripted-transceiver.ts'
import { apiKeyRecord, workerBindings } from '../../tests/worker-bindings.ts'
import { startWorker } from './workerd.ts'
import type { RunningWorker } from './workerd.ts'

const isQuick = process.argv.includes('--quick')
const requests = isQuick ? 200 : 1_000
const rounds = isQuick ? 2 : 5
const OFFER = offerVector('chromium156')
/** Several keys, so that the rate of none is reached. */
const KEYS = Array.from({ length: 16 }, (_, i) => `sk-bench-${i}`)
const root = new URL('../..', import.meta.url).pathname

const storeServer = await startLocalStore({ port: 0, token: 'store-token' })
const store = openStore({ url: storeServer.url, token: 'store-token' })
const transceiver = await ScriptedTransceiver.start('transceiver-1', 1)
const log = openLog({ write: () => undefined })
const members = [
  () => relayRecord({ id: 'relay-1' }, epochNow()),
  () => relayRecord({ id: 'relay-2', region: 'elsewhere', latitude: 50 }, epochNow()),
  () => transceiverRecord({ id: 'transceiver-1', controlUrl: transceiver.controlUrl }, epochNow()),
].map((record) => startFleetMember({ store, record, log }))
const keys = JSON.stringify(KEYS.map((key, i) => apiKeyRecord(`bench-${i}`, key)))
const workers: RunningWorker[] = []
try {
  const worker = await startWorker(
    root,
    'wrangler.toml',
    workerBindings(storeServer.url, { FIRSTHOP_API_KEYS: keys }),
  )
  workers.push(worker)
  const bare = await startWorker(root, 'bench/worker/bare.toml', {})
  workers.push(bare)
  await untilReady(worker)
  report(await measure(worker, bare))
} finally {
  await Promise.all([...workers.map((one) => one.close()), ...members.map((member) => member.stop())])
  await Promise.all([transceiver.close(), storeServer.close()])
}

interface Figures {
  readonly callMicros: number
  readonly bareMicros: number
  readonly callVsBare: number
  readonly requests: number
}

/** The least of several rounds that take turns: what others on the machine do only ever adds. */
async function measure(worker: RunningWorker, bare: RunningWorker): Promise<Figures> {
  await Promise.all([sendCalls(worker), sendCalls(bare)])
  const calls: number[] = []
  const bares: number[] = []
  for (let round = 0; round < rounds; round++) {
    calls.push(await microsPerRequest(worker))
    bares.push(await microsPerRequest(bare))
  }
  const callMicros = Math.round(Math.min(...calls))
  const bareMicros = Math.round(Math.min(...bares))
  return { callMicros, bareMicros, callVsBare: Math.round((10 * callMicros) / bareMicros) / 10, requests }
}

async function microsPerRequest(worker: RunningWorker): Promise<number> {
  const before = worker.cpuMicros()
  await sendCalls(worker)
  return (worker.cpuMicros() - before) / requests
}

async function sendCalls({ url }: RunningWorker): Promise<void> {
  for (let i = 0; i < requests; i++) {
    const headers = { authorization: `Bearer ${KEYS[i % KEYS.length]}`, 'content-type': 'application/sdp' }
    const response = await fetch(`${url}/v1/realtime/calls`, { method: 'POST', headers, body: OFFER })
    if (response.status !== 201)
      throw new Error(`a call was refused: ${response.status} ${await response.text()}`)
    await response.text()
  }
  transceiver.forget()
}

async function untilReady({ url }: RunningWorker): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if ((await fetch(`${url}/readyz`)).ok) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the Worker does not see the fleet')
}

function report(figures: Figures): void {
  if (process.argv.includes('--json')) return console.log(JSON.stringify(figures))
  console.log(`call request   ${figures.callMicros} µs of CPU`)
  console.log(`bare Hono      ${figures.bareMicros} µs of CPU`)
  console.log(`ratio          ${figures.callVsBare}`)
}
