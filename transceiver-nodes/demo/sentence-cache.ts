/** Keeps the sentences spoken last, so that what the agent says often is said at once. */

import { BACKEND_SAMPLE_RATE_HZ } from '../backends/backend.ts'

interface Entry {
  readonly speech: Promise<Int16Array>
  samples: number
}

/** Sentences by their text, the least recently used first; bounded by the length of their audio. */
export class SentenceCache {
  readonly #entryBySentence = new Map<string, Entry>()
  #samples = 0

  find(sentence: string): Promise<Int16Array> | undefined {
    const entry = this.#entryBySentence.get(sentence)
    if (entry === undefined) return undefined
    this.#entryBySentence.delete(sentence)
    this.#entryBySentence.set(sentence, entry)
    return entry.speech
  }

  /** Keeps `speech`, also while it is not there yet, so that two calls do not ask for the same. */
  keep(sentence: string, speech: Promise<Int16Array>): void {
    const entry = { speech, samples: 0 }
    this.#entryBySentence.set(sentence, entry)
    speech.then(
      (samples) => this.#charge(entry, samples.length),
      () => this.#entryBySentence.delete(sentence),
    )
  }

  #charge(entry: Entry, samples: number): void {
    entry.samples = samples
    this.#samples += samples
    for (const [sentence, oldest] of this.#entryBySentence) {
      if (this.#samples <= MAX_CACHED_SAMPLES) return
      this.#samples -= oldest.samples
      this.#entryBySentence.delete(sentence)
    }
  }
}

/** Two minutes of speech, 5.8 MB. */
const MAX_CACHED_SAMPLES = 120 * BACKEND_SAMPLE_RATE_HZ
