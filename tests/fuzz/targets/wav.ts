/** WAV files (`shared/wav`). */

import { concatBytes, utf8 } from '#shared/bytes'
import { readWav, writeWav } from '#shared/wav'
import { mustEqual, mustHold } from '../target.ts'
import type { FuzzTarget } from '../target.ts'

export const wav: FuzzTarget = {
  name: 'wav',
  maxBytes: 1_000,
  words: ['RIFF', 'WAVE', 'fmt ', 'data', 'LIST'],
  seeds: () => [SOUND, concatBytes(SOUND.subarray(0, 12), utf8('LIST\x03\0\0\0abc\0'), SOUND.subarray(12))],
  run(input) {
    const sound = readWav(input)
    if (typeof sound === 'string') return sound
    mustHold(sound.samples.length * 2 <= input.length, 'more samples than fit')
    mustEqual(readWav(writeWav(sound)), sound, 'a sound written differs')
    return sound.samples.length === 0 ? 'silence' : 'sound'
  },
}

const SOUND = writeWav({ sampleRateHz: 24_000, samples: Int16Array.of(1, -1, 32_767, -32_768) })
