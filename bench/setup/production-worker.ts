/**
 * The Worker as a deployment builds it, in workerd itself: nothing stands in front of it. docs/benchmarks.md.
 *
 * Cloudflare's rate-limit bindings count in the memory of the machine; here a counter in memory stands for them.
 * Left out: the page, which Cloudflare serves without the Worker.
 */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { unstable_readConfig } from 'wrangler'
import { Child } from '../../scripts/start/child.ts'

/** A running Worker. */
export interface ProductionWorker {
  readonly url: string
  /** Starts it anew: nothing is left of its isolate and its connections. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Builds the Worker and serves it on `port` of loopback; `bindings` are its variables and secrets. */
export async function startProductionWorker(
  port: number,
  bindings: Readonly<Record<string, string>>,
): Promise<ProductionWorker> {
  const folder = mkdtempSync(join(tmpdir(), 'firsthop-worker-'))
  buildInto(folder)
  writeFileSync(join(folder, 'rate-limit.js'), RATE_LIMIT)
  writeFileSync(join(folder, 'config.capnp'), configOf(Object.keys(bindings)))
  const url = `http://127.0.0.1:${port}`
  const program = ['serve', join(folder, 'config.capnp'), '--socket-addr', `http=127.0.0.1:${port}`]
  const child = new Child('worker', pathOfWorkerd(), program, bindings, {
    readyUrl: `${url}/healthz`,
    onLine: () => undefined,
    supervise: false,
  })
  const stop = async () => {
    await child.stop()
    rmSync(folder, { recursive: true })
  }
  const restart = async () => {
    await child.stop()
    await child.start()
  }
  await child.start()
  return { url, restart, stop }
}

function buildInto(folder: string): void {
  const wrangler = join(ROOT, 'node_modules/.bin/wrangler')
  execFileSync(wrangler, ['deploy', '--env=', '--dry-run', '--outdir', folder], {
    cwd: ROOT,
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/** The program itself: the one in .bin is a script that starts it, and does not take it along when it ends. */
function pathOfWorkerd(): string {
  const { default: path } = createRequire(import.meta.url)('workerd') as { readonly default: string }
  return path
}

/** Of workerd's own format, workerd.capnp; the values of bindings come from the environment of its process. */
function configOf(names: readonly string[]): string {
  const config = unstable_readConfig({ config: join(ROOT, 'wrangler.toml') }) as WranglerConfig
  const texts = names.map((name) => `(name = "${name}", fromEnvironment = "${name}")`)
  const rates = config.ratelimits.map(
    ({ name, simple }) =>
      `(name = "${name}", wrapped = (moduleName = "bench:rate-limit", innerBindings = [(name = "limit", json = "${simple.limit}")]))`,
  )
  return `
    using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (
      services = [
        (name = "firsthop", worker = .firsthop),
        (name = "internet", network = (allow = ["local", "private", "public"])),
      ],
      sockets = [(name = "http", http = (), service = "firsthop")],
      extensions = [(modules = [
        (name = "bench:rate-limit", internal = true, esModule = embed "rate-limit.js"),
      ])],
    );
    const firsthop :Workerd.Worker = (
      modules = [(name = "index.js", esModule = embed "index.js")],
      compatibilityDate = "${config.compatibility_date}",
      compatibilityFlags = [${config.compatibility_flags.map((flag) => `"${flag}"`).join(', ')}],
      bindings = [${[...texts, ...rates].join(', ')}],
    );
  `
}

/** What is used of it: wrangler's own type names packages that are not installed. */
interface WranglerConfig {
  readonly compatibility_date: string
  readonly compatibility_flags: readonly string[]
  readonly ratelimits: readonly { readonly name: string; readonly simple: { readonly limit: number } }[]
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Counts each key, and never starts a new period: no run comes near a limit. */
const RATE_LIMIT = `
  export default function rateLimit({ limit: most }) {
    const counts = new Map()
    const limit = async ({ key }) => {
      const count = (counts.get(key) ?? 0) + 1
      counts.set(key, count)
      return { success: count <= most }
    }
    return { limit }
  }
`
