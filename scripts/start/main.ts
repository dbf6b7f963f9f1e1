/** `npm start`: runs a whole Firsthop on this machine and says where the page is. Ctrl-C ends it. */

import { DOCUMENTED_PORTS, startStack } from './stack.ts'

const isVerbose = process.argv.includes('--verbose')

console.log('Starting store, two relays, a transceiver and the Worker …')
const stack = await startStack({
  ports: DOCUMENTED_PORTS,
  supervise: true,
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
  Relays               ${stack.ports.relays.map(({ client }) => `${stack.address}:${client} (UDP and TCP)`).join('   ')}

  Ctrl-C ends it; --verbose shows every part's log.
`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void stack.stop().then(() => process.exit(0))
  })
}
