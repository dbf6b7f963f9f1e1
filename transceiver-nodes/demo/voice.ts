/**
 * The agent's voice: a sentence in, 24 kHz speech out.
 *
 * Speech is synthesised in a thread of its own, because the transceiver's event loop serves every call: docs/demo-agent.md
 * has the times. Sentences that were spoken before come from memory.
 */

import { Worker } from 'node:worker_threads'
import { SentenceCache } from './sentence-cache.ts'
import type { SpeakReply, SpeakRequest } from './voice-worker.ts'

/** Something that speaks. */
export interface Voice {
  /** Returns the speech, 24 kHz mono; the samples are shared and must not be changed. Fails with a `VoiceError`. */
  speak(sentence: string): Promise<Int16Array>
}

/** Why a sentence was not spoken: too many waiting, the thread died, the synthesiser failed, or it was closed. */
export type VoiceErrorCode = 'voice-busy' | 'voice-lost' | 'voice-failed' | 'voice-closed'

/** A sentence that was not spoken. */
export class VoiceError extends Error {
  readonly code: VoiceErrorCode

  constructor(code: VoiceErrorCode, options?: ErrorOptions) {
    super(`the voice did not speak: ${code}`, options)
    this.code = code
  }
}

interface PendingSpeech {
  resolve(samples: Int16Array): void
  reject(error: VoiceError): void
}

/** The voice of Flite, in one worker thread for the whole process. */
export class FliteVoice implements Voice {
  readonly #cache = new SentenceCache()
  readonly #pendingById = new Map<number, PendingSpeech>()
  #worker: Worker | undefined
  #lastId = 0
  #closed = false

  speak(sentence: string): Promise<Int16Array> {
    const known = this.#cache.find(sentence)
    if (known !== undefined) return known
    const speech = this.#synthesise(sentence)
    this.#cache.keep(sentence, speech)
    return speech
  }

  /** Speaks `sentences` into memory; what fails now is tried again when it is needed. */
  async prepare(sentences: readonly string[]): Promise<void> {
    await Promise.allSettled(sentences.map((sentence) => this.speak(sentence)))
  }

  /** Ends the thread; sentences that wait fail. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#worker?.terminate()
    this.#failPending('voice-closed')
  }

  async #synthesise(sentence: string): Promise<Int16Array> {
    if (this.#closed) throw new VoiceError('voice-closed')
    if (this.#pendingById.size >= MAX_PENDING_SENTENCES) throw new VoiceError('voice-busy')
    const id = ++this.#lastId
    this.#worker ??= this.#startWorker()
    this.#worker.postMessage({ id, sentence } satisfies SpeakRequest, [])
    return new Promise((resolve, reject) => this.#pendingById.set(id, { resolve, reject }))
  }

  #startWorker(): Worker {
    const worker = new Worker(new URL('./voice-worker.ts', import.meta.url))
    // A thread that is only waiting must not keep the process alive.
    worker.unref()
    worker.on('message', (reply: SpeakReply) => this.#handleReply(reply))
    worker.on('error', (cause) => this.#handleLoss(cause))
    return worker
  }

  #handleReply(reply: SpeakReply): void {
    const pending = this.#pendingById.get(reply.id)
    this.#pendingById.delete(reply.id)
    if ('samples' in reply) pending?.resolve(reply.samples)
    else pending?.reject(new VoiceError('voice-failed', { cause: reply.failure }))
  }

  /** The next sentence starts another thread. */
  #handleLoss(cause: unknown): void {
    this.#worker = undefined
    this.#failPending('voice-lost', cause)
  }

  #failPending(code: VoiceErrorCode, cause?: unknown): void {
    for (const pending of this.#pendingById.values()) pending.reject(new VoiceError(code, { cause }))
    this.#pendingById.clear()
  }
}

/** A minute of speech and two seconds of work: a caller who waits longer has hung up. */
const MAX_PENDING_SENTENCES = 32
