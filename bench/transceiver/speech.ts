/** What the clients say: packets of 80 bytes that nobody decodes, or the recorded sentence, coded as a browser would. */

import { fileURLToPath } from 'node:url'
import { Speech } from '../../scripts/call/speech.ts'

/** 20 ms of fullband CELT (RFC 6716 section 3.1) by its first byte, and as long as 20 ms at 32 kbit/s. */
export const PLAIN_PACKET = Uint8Array.from({ length: 80 }, (_, i) => (i === 0 ? 0xf8 : i))

/** Returns the packets of the recorded sentence. */
export function recordedSpeech(): Uint8Array[] {
  const speech = Speech.open(fileURLToPath(new URL('../../tests/audio/speech.wav', import.meta.url)))
  const packets: Uint8Array[] = []
  while (!speech.isOver) packets.push(speech.nextPacket().slice())
  return packets
}
