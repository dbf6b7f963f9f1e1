/** Serves the pages of `tests/clients/pages` from an origin of their own, as an application's server would. */

import { createReadStream } from 'node:fs'
import { createServer } from 'node:http'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** A page server at work. */
export class PageServer {
  readonly #server: Server
  readonly #scripts: ReadonlyMap<string, string>

  private constructor(server: Server, scripts: ReadonlyMap<string, string>) {
    this.#server = server
    this.#scripts = scripts
    server.on('request', ({ url = '' }, response) => this.#answer(url, response))
  }

  /** Builds the pages' scripts and begins to serve. */
  static async start(): Promise<PageServer> {
    const names = ['agents', 'openai-webrtc']
    const scripts = await Promise.all(names.map(async (name) => [name, await scriptOf(name)] as const))
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new PageServer(server, new Map(scripts))
  }

  /** Where a page is. */
  urlOf(name: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${name}`
  }

  stop(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #answer(url: string, response: ServerResponse): void {
    const name = basename(url)
    const script = this.#scripts.get(name)
    if (script !== undefined) {
      response.setHeader('Content-Type', 'text/html').end(pageOf(script))
    } else if (url.startsWith(BUNDLE_PATH)) {
      response.setHeader('Content-Type', 'text/javascript')
      const file = createReadStream(new URL(name, BUNDLE))
      file.on('error', () => response.destroy()).pipe(response)
    } else {
      response.writeHead(404).end()
    }
  }
}

/** One script with everything in it, but for the library that comes with a browser bundle of its own. */
async function scriptOf(name: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`pages/${name}.ts`, import.meta.url))],
    bundle: true,
    format: 'esm',
    write: false,
    external: [LIBRARY],
  })
  return outputFiles[0]?.text ?? ''
}

function pageOf(script: string): string {
  const imports = JSON.stringify({ imports: { [LIBRARY]: `${BUNDLE_PATH}openai-realtime-agents.mjs` } })
  return `<!doctype html><meta charset="utf-8"><script type="importmap">${imports}</script><script type="module">${script}</script>`
}

const LIBRARY = '@openai/agents-realtime'
const BUNDLE_PATH = '/agents-realtime/'
const BUNDLE = new URL('bundle/', import.meta.resolve(LIBRARY))
