/**
 * `npm run call`: places a real call from the terminal and says how it went.
 *
 * Exits with 1 and one line on stderr when the call fails at any stage.
 */

import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { writeWav } from '#shared/wav'
import { CallError } from './call-error.ts'
import { placeCall } from './caller.ts'
import type { CallReport } from './caller.ts'
import { Speech } from './speech.ts'

/** Longest call that `--seconds` allows. */
const MAX_SECONDS = 3_600

const USAGE = `npm run call -- [options]

  --url <url>       where the Worker is (default http://127.0.0.1:8787)
  --key <key>       API key or ephemeral key; a local server asks for none
  --in <file.wav>   what to say: 16-bit mono (default tests/audio/speech.wav)
  --out <file.wav>  where to save the reply
  --seconds <n>     longest conversation (default 30)
  --json            print the report as one line of JSON
`

try {
  await main()
  // werift keeps sockets and timers of a closed connection for some seconds.
  process.exit(0)
} catch (error) {
  console.error(error instanceof CallError ? `Call failed: ${error.message}` : error)
  process.exit(1)
}

async function main(): Promise<void> {
  const options = readOptions()
  if (options.help) return console.log(USAGE)
  const speech = Speech.open(options.in)
  const { url, key, seconds } = options
  const { report, sound } = await placeCall({ url, key, speech, seconds })
  if (options.out !== undefined) writeFileSync(options.out, writeWav(sound))
  console.log(options.json ? JSON.stringify(report) : describe(report, options.out))
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        url: { type: 'string', default: 'http://127.0.0.1:8787' },
        key: { type: 'string' },
        in: {
          type: 'string',
          default: fileURLToPath(new URL('../../tests/audio/speech.wav', import.meta.url)),
        },
        out: { type: 'string' },
        seconds: { type: 'string', default: '30' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    return { ...values, seconds: secondsOf(values.seconds), url: urlOf(values.url) }
  } catch (error) {
    throw error instanceof CallError ? error : new CallError('input', (error as Error).message, error)
  }
}

function secondsOf(text: string): number {
  const seconds = Number(text)
  if (seconds > 0 && seconds <= MAX_SECONDS) return seconds
  throw new CallError('input', `--seconds takes a number up to ${MAX_SECONDS}, not "${text}"`)
}

function urlOf(text: string): string {
  if (URL.canParse(text)) return text
  throw new CallError('input', `--url takes a URL, not "${text}"`)
}

function describe(report: CallReport, out: string | undefined): string {
  const moments = Object.entries(report.timeline).toSorted(([, a], [, b]) => a - b)
  return [
    `Call ${report.callId} through relay ${report.relay ?? '(unknown)'}, region ${report.region ?? '(unknown)'}`,
    '',
    ...moments.map(([moment, millis]) => `  ${millis.toFixed(1).padStart(8)} ms  ${moment}`),
    '',
    `  sent ${report.sentPackets} packets, received ${report.receivedPackets}`,
    `  heard ${report.replySeconds.toFixed(2)} s of reply at RMS ${report.replyRms}`,
    ...(out === undefined ? [] : [`  saved the reply to ${out}`]),
  ].join('\n')
}
