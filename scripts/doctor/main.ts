/**
 * `npm run doctor -- --url <url>`: examines a deployment from outside, with a line for each thing.
 *
 * Exits with 1 when anything is not well.
 */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { examine } from './examine.ts'
import { readFleet } from './vip.ts'

const USAGE = `npm run doctor -- [options]

  --url <url>      where the Worker is (default http://127.0.0.1:8787)
  --key <key>      API key or ephemeral key; an open demo asks for none
  --fleet <file>   the relays that there should be: terraform output -json fleet
                   (without it, those that an answer names: the two nearest)
`

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:8787' },
    key: { type: 'string' },
    fleet: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  console.log(USAGE)
} else {
  const vips = values.fleet === undefined ? undefined : readFleet(readFileSync(values.fleet, 'utf8'))
  const speech = fileURLToPath(new URL('../../tests/audio/speech.wav', import.meta.url))
  let isWell = true
  for await (const finding of examine({ url: values.url, key: values.key, vips, speech })) {
    isWell &&= finding.isWell
    console.log(`${finding.isWell ? 'ok    ' : 'FAILED'}  ${finding.what}: ${finding.detail}`)
  }
  // werift keeps sockets and timers of a closed connection for some seconds.
  process.exit(isWell ? 0 : 1)
}
