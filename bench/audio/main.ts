/**
 * What is left of a client's speech after a bad network, and what the codecs cost: docs/audio.md.
 *
 * Usage: node bench/audio/main.ts [--json] [--quick]. One row for each loss and jitter: with the delay that adapts, and
 * with a fixed one, on the same packets.
 */

import { CALL_CODECS } from '../../transceiver-nodes/io/call-codec.ts'
import {
  createOpusDecoder,
  createOpusEncoder,
  OPUS_LIBRARY_NAME,
  OPUS_SPEECH,
} from '../../transceiver-nodes/io/opus.ts'
import type { OpusComplexity } from '../../transceiver-nodes/io/opus-library.ts'
import { OPUS_PACKAGE } from '../../transceiver-nodes/io/opus-package.ts'
import { codecCost } from './codec-cost.ts'
import type { CodecCost } from './codec-cost.ts'
import { codeSpeech, converse } from './conversation.ts'
import type { Outcome, Protection } from './conversation.ts'
import { speechOf } from './speech.ts'

const LOSS_PERCENTS = [0, 2, 5, 10]
const JITTER_MILLIS = [0, 20, 60]
/** The delay of the buffer before it adapted. */
const FIXED_DELAY = { minMillis: 60, maxMillis: 60 }
/** The jitter at which ways to guard against loss are compared. */
const USUAL_JITTER_MILLIS = 20
const SEED = 2026

const isQuick = process.argv.includes('--quick')
const rounds = isQuick ? 2 : 9
const speech = speechOf(isQuick ? 4 : 24)
const sentence = speechOf(1)

const rows = LOSS_PERCENTS.flatMap(compareDelays)
const protection = LOSS_PERCENTS.filter((percent) => percent > 0).map(compareProtections)
const codecs = measureCodecs()

if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ rows, protection, codecs, opusLibrary: OPUS_LIBRARY_NAME }))
} else {
  console.log('In-band FEC, Opus at 32 kbit/s: a delay that adapts, and a fixed one of 60 ms')
  console.table(
    rows.flatMap(({ adaptive, fixed, ...key }) => [
      labelled(key, 'adaptive', adaptive),
      labelled(key, 'fixed', fixed),
    ]),
  )
  console.log(`Ways to guard against loss, at ${USUAL_JITTER_MILLIS} ms of jitter`)
  console.table(
    protection.flatMap(({ none, fec, red, ...key }) => [
      labelled(key, 'none', none),
      labelled(key, 'fec', fec),
      labelled(key, 'red', red),
    ]),
  )
  console.log(`CPU microseconds for a frame of 20 ms (${OPUS_LIBRARY_NAME})`)
  console.table(codecs)
}

function compareDelays(lossPercent: number) {
  const coded = codeSpeech(speech, 'fec', lossPercent / 100)
  return JITTER_MILLIS.map((jitterMillis) => {
    const network = { seed: SEED, lossShare: lossPercent / 100, jitterMillis }
    return {
      lossPercent,
      jitterMillis,
      adaptive: converse(coded, network),
      fixed: converse(coded, network, FIXED_DELAY),
    }
  })
}

function compareProtections(lossPercent: number) {
  const network = { seed: SEED, lossShare: lossPercent / 100, jitterMillis: USUAL_JITTER_MILLIS }
  const outcomeOf = (way: Protection) => converse(codeSpeech(speech, way, lossPercent / 100), network)
  return { lossPercent, none: outcomeOf('none'), fec: outcomeOf('fec'), red: outcomeOf('red') }
}

function measureCodecs(): Record<string, CodecCost> {
  const costs: Record<string, CodecCost> = {}
  for (const complexity of [0, 3, 5, 8, 10] satisfies OpusComplexity[]) {
    const openEncoder = () => createOpusEncoder({ ...OPUS_SPEECH, complexity })
    costs[`opus, complexity ${complexity}`] = codecCost(sentence, rounds, openEncoder, createOpusDecoder)
  }
  for (const codec of ['pcmu', 'pcma'] as const) {
    const { [codec]: law } = CALL_CODECS
    const openEncoder = () => law.createEncoder()
    costs[codec] = codecCost(sentence, rounds, openEncoder, () => law.createDecoder())
  }
  const openEncoder = () => OPUS_PACKAGE.createEncoder(OPUS_SPEECH)
  costs[OPUS_PACKAGE.name] = codecCost(sentence, rounds, openEncoder, () => OPUS_PACKAGE.createDecoder())
  return costs
}

function labelled(key: Readonly<Record<string, number>>, way: string, outcome: Outcome) {
  return { ...key, way, ...outcome }
}
