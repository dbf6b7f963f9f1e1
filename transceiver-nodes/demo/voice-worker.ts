/**
 * The thread that the voice speaks in: one sentence after the other, in the order asked.
 *
 * The synthesiser is loaded with the first sentence and not with the module: V8 (14.6) aborts the process when a thread
 * ends while it evaluates a module behind one that has waited, as the resampler has, and a media thread that dies takes
 * this one along.
 */

import { parentPort } from 'node:worker_threads'
import { BACKEND_SAMPLE_RATE_HZ } from '../backends/backend.ts'
import { FLITE_RATE_HZ, loadFlite, synthesise } from './flite.ts'
import { resampleSound } from '../io/resampler.ts'

/** Asks for a sentence. */
export interface SpeakRequest {
  readonly id: number
  readonly sentence: string
}

/** Answers with its audio, at the backend's rate, or with why there is none. */
export type SpeakReply = { readonly id: number } & (
  { readonly samples: Int16Array<ArrayBuffer> } | { readonly failure: string }
)

let flite: ReturnType<typeof loadFlite> | undefined

parentPort?.on('message', ({ id, sentence }: SpeakRequest) => {
  const reply = speak(id, sentence)
  parentPort?.postMessage(reply, 'samples' in reply ? [reply.samples.buffer] : [])
})

function speak(id: number, sentence: string): SpeakReply {
  try {
    const samples = synthesise((flite ??= loadFlite()), sentence)
    return { id, samples: new Int16Array(resampleSound(samples, FLITE_RATE_HZ, BACKEND_SAMPLE_RATE_HZ)) }
  } catch (cause) {
    return { id, failure: String(cause) }
  }
}
