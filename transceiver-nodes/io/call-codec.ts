/** The codecs of a call, by name: what reads their packets, and what turns them into sound and back. */

import type { ClientCodec } from '../backends/backend.ts'
import { G711PacketView } from '../core/media/g711-packet.ts'
import { OpusPacketView } from '../core/media/opus-packet.ts'
import type { PacketFormat } from '../core/media/packet-format.ts'
import type { VoiceDecoder, VoiceEncoder } from '../core/media/voice-codec.ts'
import { createG711Decoder, createG711Encoder, g711Silence } from './g711.ts'
import { createOpusDecoder, createOpusEncoder } from './opus.ts'

/** A codec. */
export interface CallCodec {
  /** One view for all calls of this thread: it holds until the next packet is read. */
  readonly format: PacketFormat
  createDecoder(): VoiceDecoder
  createEncoder(): VoiceEncoder
  /** 20 ms of silence as a packet, which costs no encoding. */
  readonly silence: Uint8Array
}

/** Every codec that an offer may bring. */
export const CALL_CODECS: Readonly<Record<ClientCodec, CallCodec>> = {
  opus: {
    format: new OpusPacketView(),
    createDecoder: createOpusDecoder,
    createEncoder: () => createOpusEncoder(),
    // TOC byte for 20 ms of fullband CELT mono (RFC 6716 section 3.1), and its empty coding.
    silence: new Uint8Array([0xf8, 0xff, 0xfe]),
  },
  pcmu: g711('pcmu'),
  pcma: g711('pcma'),
}

function g711(law: 'pcmu' | 'pcma'): CallCodec {
  return {
    format: new G711PacketView(),
    createDecoder: () => createG711Decoder(law),
    createEncoder: () => createG711Encoder(law),
    silence: g711Silence(law),
  }
}
