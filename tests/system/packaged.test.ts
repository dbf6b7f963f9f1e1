/** The packages, not the sources, carry a call: as an unprivileged user, in a network laid out as terraform/ lays it out. */

import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { bundleNode } from '../../scripts/bundle/bundle.ts'
import { CLOUD, CloudNetwork, whyNoNamespaces } from './cloud-network.ts'
import type { Machine } from './cloud-network.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NOBODY = 65_534
const reason = whyNoNamespaces()
if (reason !== undefined) console.log(`The packaged stack is left out: ${reason}.`)

describe.skipIf(reason !== undefined)('the packaged stack', { timeout: 120_000 }, () => {
  let network: CloudNetwork
  let folder: string
  const ends: (() => void)[] = []
  const lines: string[] = []

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'firsthop-packaged-'))
    chmodSync(folder, 0o755)
    network = new CloudNetwork()
    await layOut(folder)
    startEverything()
    await vi.waitFor(untilReady, { timeout: 60_000, interval: 200 })
  }, 120_000)

  afterAll(() => {
    for (const end of ends) end()
    network.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('carries a call to a VIP and over the private network', () => {
    const report = placeCall()
    expect(report).toMatchObject({ connected: true })
    expect(report.replySeconds).toBeGreaterThan(1)
    expect(forwardedBy(report.relay)).toBeGreaterThan(100)
  })

  test('runs nothing as root, and keeps no capability but that for port 443', () => {
    const kept = Object.fromEntries(
      (['relay-1', 'relay-2', 'transceiver'] as const).map((machine) => [machine, statusOf(machine)]),
    )
    const bindOnly = { user: NOBODY, capabilities: CAP_NET_BIND_SERVICE }
    expect(kept).toEqual({
      'relay-1': bindOnly,
      'relay-2': bindOnly,
      transceiver: { user: NOBODY, capabilities: 0 },
    })
  })

  test('leaves no way from clients to a transceiver', () => {
    const connect = `await new Promise((resolve) => {
      const socket = (process.getBuiltinModule('node:net')).connect({ host: '${CLOUD.transceiver.private}', port: 7480 })
      socket.setTimeout(2_000, () => socket.destroy(new Error('nothing came back')))
      socket.on('connect', () => socket.destroy() && resolve('connected')).on('error', () => resolve('refused'))
    })`
    expect(evaluate('edge', connect).trim()).toBe('connected')
    expect(evaluate('client', connect).trim()).toBe('refused')
  })

  /** What the machines have on their disks: the packages, a Node, and no source. */
  async function layOut(target: string): Promise<void> {
    copyFileSync(process.execPath, join(target, 'node'))
    chmodSync(join(target, 'node'), 0o755)
    await bundleNode('relay', join(target, 'relay'))
    await bundleNode('transceiver', join(target, 'transceiver'))
    const worker = join(target, 'worker')
    cpSync(join(ROOT, 'workers/public'), join(worker, 'workers/public'), { recursive: true })
    copyFileSync(join(ROOT, 'wrangler.toml'), join(worker, 'wrangler.toml'))
    spawnSync('wrangler', ['deploy', '--env=', '--dry-run', '--outdir', worker], { cwd: ROOT })
    for (const part of ['relay', 'transceiver', 'worker'])
      spawnSync('chmod', ['-R', 'a+rX', join(target, part)])
    for (const part of ['worker', 'home']) {
      mkdirSync(join(target, part), { recursive: true })
      chownSync(join(target, part), NOBODY, NOBODY)
    }
  }

  function startEverything(): void {
    const shared = {
      UPSTASH_REDIS_REST_URL: `http://${CLOUD.edge.private}:8079`,
      UPSTASH_REDIS_REST_TOKEN: randomBytes(16).toString('hex'),
      FIRSTHOP_ROUTE_KEYS: `0:${randomBytes(16).toString('hex')}`,
    }
    const control = { FIRSTHOP_CONTROL_KEY: randomBytes(32).toString('hex') }
    run('edge', [`${ROOT}scripts/local-store/main.ts`, CLOUD.edge.private, '8079'], {
      STORE_TOKEN: shared.UPSTASH_REDIS_REST_TOKEN,
    })
    startRelay('relay-1', { ...shared, ...PLACES[0] })
    startRelay('relay-2', { ...shared, ...PLACES[1] })
    run('transceiver', [join(folder, 'transceiver/main.mjs')], {
      ...shared,
      ...control,
      ...PLACES[0],
      FIRSTHOP_NODE_ID: 'transceiver-1',
      FIRSTHOP_CLUSTER: '1',
      FIRSTHOP_TRANSCEIVER: '1',
      FIRSTHOP_THREADS: '1',
      FIRSTHOP_LINK: `${CLOUD.transceiver.private}:7600`,
      FIRSTHOP_CONTROL: `${CLOUD.transceiver.private}:7480`,
      FIRSTHOP_CONTROL_URL: `http://${CLOUD.transceiver.private}:7480`,
      FIRSTHOP_ADMIN: '127.0.0.1:7482',
    })
    startWorker({ ...shared, ...control })
  }

  function startRelay(machine: 'relay-1' | 'relay-2', environment: Record<string, string>): void {
    const { vip, private: address } = CLOUD[machine]
    const ports = { FIRSTHOP_CLIENT_PORTS: '3478', FIRSTHOP_TCP_PORTS: '443' }
    run(
      machine,
      [join(folder, 'relay/main.mjs')],
      {
        ...environment,
        ...ports,
        FIRSTHOP_NODE_ID: machine,
        FIRSTHOP_VIP: vip,
        FIRSTHOP_CLIENT_BIND: vip,
        FIRSTHOP_LINK: `${address}:7500`,
        FIRSTHOP_THREADS: '1',
        FIRSTHOP_ADMIN: '127.0.0.1:7470',
        NODE_COMPILE_CACHE: join(folder, 'home', machine),
      },
      ['net_bind_service'],
    )
  }

  function startWorker(environment: Record<string, string>): void {
    const secrets = { ...environment, FIRSTHOP_SECRET_KEYS: `1:${randomBytes(32).toString('hex')}` }
    const variables = { ...secrets, FIRSTHOP_OPEN_DEMO: 'true', ENVIRONMENT: 'local' }
    const text = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`)
    writeFileSync(join(folder, 'worker/env'), text.join(''))
    const place = ['--ip', CLOUD.edge.internet, '--port', '8787', '--inspector-port', '9787']
    const files = ['--env-file', 'env', '--persist-to', 'state', '--show-interactive-dev-session', 'false']
    const wrangler = `${ROOT}node_modules/wrangler/bin/wrangler.js`
    run('edge', [wrangler, 'dev', 'index.js', '--no-bundle', ...place, ...files], {
      WRANGLER_SEND_METRICS: 'false',
      CLOUDFLARE_CF_FETCH_ENABLED: 'false',
    })
  }

  function run(
    machine: Machine,
    args: string[],
    environment: Record<string, string>,
    capabilities: string[] = [],
  ) {
    const [command = '', ...before] = network.unprivileged(machine, capabilities)
    const child = spawn(command, [...before, join(folder, 'node'), ...args], {
      cwd: join(folder, 'worker'),
      env: { PATH: process.env['PATH'], HOME: join(folder, 'home'), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => lines.push(`${machine}: ${line}`))
    }
    pids[machine] ??= child.pid
    ends.push(() => void child.kill('SIGTERM'))
  }
  const pids: Partial<Record<Machine, number | undefined>> = {}

  /** Of the process that was started: `ip netns exec` and `setpriv` become it. */
  function statusOf(machine: Machine) {
    const status = readFileSync(`/proc/${pids[machine]}/status`, 'utf8')
    return {
      user: Number(/^Uid:\t(\d+)/m.exec(status)?.[1]),
      capabilities: Number.parseInt(/^CapEff:\t(\w+)/m.exec(status)?.[1] ?? '', 16),
    }
  }

  /** Throws with what the parts have said until all are ready; the Worker, which keeps the fleet it reads, is asked last. */
  function untilReady(): void {
    const parts = [
      ['relay-1', 'http://127.0.0.1:7470/readyz'],
      ['relay-2', 'http://127.0.0.1:7470/readyz'],
      ['transceiver', 'http://127.0.0.1:7482/readyz'],
      ['edge', `http://${CLOUD.edge.internet}:8787/readyz`],
    ] as const
    for (const [machine, url] of parts) {
      const status = evaluate(machine, `(await fetch('${url}').catch(() => ({}))).status`)
      if (status.trim() !== '200') throw new Error([`${machine} is not ready`, ...lines].join('\n'))
    }
  }

  function placeCall(): { connected: boolean; replySeconds: number; relay: 'relay-1' | 'relay-2' } {
    const [command = '', ...before] = network.privileged('client')
    const url = `http://${CLOUD.edge.internet}:8787`
    const args = [process.execPath, 'scripts/call/main.ts', '--url', url, '--json']
    const { stdout, stderr } = spawnSync(command, [...before, ...args], { cwd: ROOT, encoding: 'utf8' })
    if (stdout === '') throw new Error([stderr, ...lines].join('\n'))
    return JSON.parse(stdout)
  }

  /** Packets of clients that a relay has forwarded. */
  function forwardedBy(relay: 'relay-1' | 'relay-2'): number {
    const metrics = evaluate(relay, `await (await fetch('http://127.0.0.1:7470/metrics')).text()`)
    return Number(/^firsthop_relay_forwarded_packets_total{direction="uplink"} (\d+)$/m.exec(metrics)?.[1])
  }

  /** What a program in `machine` prints that evaluates `expression`. */
  function evaluate(machine: Machine, expression: string): string {
    const [command = '', ...before] = network.privileged(machine)
    const args = [process.execPath, '--input-type=module', '-e', `console.log(${expression})`]
    return spawnSync(command, [...before, ...args], { encoding: 'utf8' }).stdout
  }
})

const CAP_NET_BIND_SERVICE = 2 ** 10
const PLACES = [
  { FIRSTHOP_REGION: 'us-south', FIRSTHOP_LATITUDE: '32.8', FIRSTHOP_LONGITUDE: '-96.8' },
  { FIRSTHOP_REGION: 'eu-west', FIRSTHOP_LATITUDE: '50.1', FIRSTHOP_LONGITUDE: '8.7' },
] as const
