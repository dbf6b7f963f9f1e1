/**
 * `npm start`: runs a whole Firsthop on this machine and says where the page is. Ctrl-C ends it.
 *
 * With `--packaged` (`npm run start:packaged`) nodes and Worker are the packages that `npm run bundle` has made in dist/.
 * With BACKEND_URL, and BACKEND_API_KEY where it takes one, a Realtime server answers in place of the demo agent.
 */

import { fileURLToPath } from 'node:url'
import { DOCUMENTED_PORTS, startStack } from './stack.ts'
import { watchParent } from './watch-parent.ts'

const { BACKEND_URL: backendUrl, BACKEND_API_KEY: backendKey } = process.env
const isVerbose = process.argv.includes('--verbose')
const isPackaged = process.argv.includes('--packaged')

console.log('Starting store, two relays, a transceiver and the Worker …')
const stack = await startStack({
  ports: DOCUMENTED_PORTS,
  supervise: true,
  ...(isPackaged ? { packages: fileURLToPath(new URL('../../dist', import.meta.url)) } : {}),
  ...(backendUrl && { backend: { url: backendUrl, ...(backendKey && { key: backendKey }) } }),
  onLine: (part, line) => {
    if (isVerbose || /"level":"(warn|error)"|ended by itself/.test(line)) console.error(`[${part}] ${line}`)
  },
}).catch((error: Error) => {
  console.error(`Firsthop could not start: ${error.message}`)
  process.exit(1)
})

console.log(`
  Firsthop is running.

  Talk to the agent    ${stack.url.replace('127.0.0.1', 'localhost')}
  Call from a terminal npm run call
  Who answers          ${backendUrl ? new URL(backendUrl).host : 'the demo agent'}
  Relays               ${stack.ports.relays.map(({ client }) => `${stack.address}:${client} (UDP and TCP)`).join('   ')}

  Ctrl-C ends it; --verbose shows every part's log.
`)

const stop = () => void stack.stop().then(() => process.exit(0))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
// Whoever starts it without npm may well leave it running behind.
if (process.env['npm_lifecycle_event'] !== undefined) watchParent(stop)
