/** A scripted Realtime server that takes turns: when the user has spoken and is silent, it answers with a tone. */

import type { RealtimeServerEvent } from 'openai/resources/realtime/realtime'
import { turnOf } from './realtime-turn.ts'
import type { ScriptedConversation } from './scripted-backend.ts'

/** Lets `conversation` answer every turn of the user with a second of 440 Hz. */
export function takeTurns(conversation: ScriptedConversation): void {
  let [heardMillis, spokenMillis, silentMillis] = [0, 0, 0]
  conversation.onEvent = (event) => {
    if (event.type !== 'input_audio_buffer.append') return
    const audio = Buffer.from(event.audio, 'base64')
    const millis = audio.length / BYTES_PER_MILLI
    heardMillis += millis
    if (isLoud(audio)) [spokenMillis, silentMillis] = [spokenMillis + millis, 0]
    else silentMillis += millis
    if (spokenMillis < LEAST_SPEECH || silentMillis < LEAST_SILENCE) return
    ;[spokenMillis, silentMillis] = [0, 0]
    conversation.say(...turnOfUser(Math.round(heardMillis)), ...turnOf(tone(1_000)))
  }
}

/** 24 kHz mono PCM16 of 440 Hz. */
export function tone(millis: number): Int16Array {
  return Int16Array.from(
    { length: millis * 24 },
    (_, i) => 8_000 * Math.sin((2 * Math.PI * 440 * i) / 24_000),
  )
}

function turnOfUser(endMillis: number): RealtimeServerEvent[] {
  const item_id = 'item_user'
  return [
    { type: 'input_audio_buffer.speech_started', event_id: 'e', audio_start_ms: 0, item_id },
    { type: 'input_audio_buffer.speech_stopped', event_id: 'e', audio_end_ms: endMillis, item_id },
    { type: 'input_audio_buffer.committed', event_id: 'e', item_id, previous_item_id: null },
  ]
}

function isLoud(audio: Buffer): boolean {
  let loudest = 0
  for (let at = 0; at + 1 < audio.length; at += 2)
    loudest = Math.max(loudest, Math.abs(audio.readInt16LE(at)))
  return loudest > LOUD
}

const BYTES_PER_MILLI = 48
/** A tenth of full scale: far above what a codec makes of silence. */
const LOUD = 3_277
const LEAST_SPEECH = 100
const LEAST_SILENCE = 500
