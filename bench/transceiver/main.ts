/**
 * `npm run bench:transceiver`: what a session costs on one media thread, against werift's PeerConnection and
 * libdatachannel in the same run on the same work. docs/transceiver.md, "What it costs", explains the method.
 *
 * `--quick` runs shorter; `--json` prints the figures as one JSON object on the last line.
 */

import { findCapacity } from './capacity.ts'
import {
  measureHandshakes,
  measureMemory,
  measurePackets,
  startEngine,
  startReference,
} from './contenders.ts'
import type { Contender } from './contenders.ts'
import { PLAIN_PACKET, recordedSpeech } from './speech.ts'

const isQuick = process.argv.includes('--quick')
const SESSIONS = 40
const PACKET_MILLIS = isQuick ? 3_000 : 8_000
/** Compilers have done what they will by then. */
const WARM_MILLIS = isQuick ? 5_000 : 20_000
const ROUNDS = isQuick ? 1 : 3
const HANDSHAKES = isQuick ? 40 : 150
const [MEMORY_FIRST, MEMORY_SESSIONS] = isQuick ? [60, 100] : [200, 300]
/** More would be refused: each takes a fiftieth of a core. */
const [TRANSCODING_FIRST, TRANSCODING_SESSIONS] = [10, 20]
const CAPACITY_STEP = isQuick ? 300 : 100
const CAPACITY_MILLIS = isQuick ? 2_000 : 4_000

const start = {
  passthrough: () => startEngine('codec', [PLAIN_PACKET], 1),
  transcode: () => startEngine('pcm', recordedSpeech(), 1),
  werift: () => startReference('werift', PLAIN_PACKET),
  libdatachannel: () => startReference('libdatachannel', PLAIN_PACKET),
}
type Name = keyof typeof start
const NAMES = Object.keys(start) as Name[]

/** The least of the rounds: what others on the machine do only ever adds to it. */
const micros = Object.fromEntries(NAMES.map((name) => [name, Infinity])) as Record<Name, number>
for (let round = 0; round < ROUNDS; round++) {
  for (const name of NAMES) {
    const cost = await using(name, (it) => measurePackets(it, SESSIONS, WARM_MILLIS, PACKET_MILLIS))
    const value = name === 'transcode' ? cost.microsPerFrame : cost.microsPerPacket
    note(`${name}: ${value.toFixed(2)} µs, ${Math.round(cost.echoedShare * 100)} % echoed`)
    // Pauses may be coded as silence; packets that are passed on have to come back.
    if (cost.echoedShare < (name === 'transcode' ? 0.5 : 0.95)) throw new Error(`${name} did not echo`)
    micros[name] = Math.min(micros[name], value)
  }
}
const handshakes: Partial<Record<Name, number>> = {}
const kilobytes: Partial<Record<Name, number>> = {}
for (const name of ['passthrough', 'werift', 'libdatachannel'] as const) {
  handshakes[name] = round2(await using(name, (it) => measureHandshakes(it, HANDSHAKES)))
  kilobytes[name] = round2(await using(name, (it) => measureMemory(it, MEMORY_FIRST, MEMORY_SESSIONS)))
  note(`${name}: ${handshakes[name]} ms per handshake, ${kilobytes[name]} KB per session`)
}
kilobytes.transcode = round2(
  await using('transcode', (it) => measureMemory(it, TRANSCODING_FIRST, TRANSCODING_SESSIONS)),
)
const capacity = await findCapacity([PLAIN_PACKET], CAPACITY_STEP, CAPACITY_MILLIS, (step) => {
  const [late, load] = [step.lateShare, step.load].map((share) => (share * 100).toFixed(1))
  note(`${step.sessions} sessions: ${late} % of the ticks late, ${load} % of a core`)
})

const figures = {
  passthroughMicrosPerPacket: round2(micros.passthrough),
  // 20 ms of a session: a packet decoded, and one encoded.
  transcodeMicrosPerFrame: round2(micros.transcode),
  vsWerift: round2(micros.werift / micros.passthrough),
  vsLibdatachannel: round2(micros.libdatachannel / micros.passthrough),
  handshakeMillis: handshakes.passthrough,
  sessionKilobytes: kilobytes.passthrough,
  sessionsPerCore: capacity.sessions,
  loadAtCapacity: round2(capacity.load),
  references: {
    microsPerPacket: { werift: round2(micros.werift), libdatachannel: round2(micros.libdatachannel) },
    handshakeMillis: { werift: handshakes.werift, libdatachannel: handshakes.libdatachannel },
    sessionKilobytes: { werift: kilobytes.werift, libdatachannel: kilobytes.libdatachannel },
  },
  transcodingSessionKilobytes: kilobytes.transcode,
}
if (process.argv.includes('--json')) console.log(JSON.stringify(figures))
else console.log(JSON.stringify(figures, undefined, 2))
process.exit(0)

async function using<Result>(
  name: Name,
  measure: (contender: Contender) => Promise<Result>,
): Promise<Result> {
  const contender = await start[name]()
  try {
    return await measure(contender)
  } finally {
    await contender.close()
  }
}

/** Figures as they come go to standard error. */
function note(line: string): void {
  console.error(line)
}

function round2(value: number): number {
  return Math.round(value * 100) / 100
}
