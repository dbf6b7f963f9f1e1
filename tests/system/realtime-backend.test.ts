/** The contract of the `realtime` backend, docs/backends.md: a real WebSocket server at the other end, and the transceiver's own playout. */

import type { RealtimeClientEvent } from 'openai/resources/realtime/realtime'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { concatBytes } from '#shared/bytes'
import {
  AUDIO_FRAME_HEADER_BYTES,
  AUDIO_SUBPROTOCOL,
  writeAudioFrameHeader,
} from '#shared/realtime/audio-frame'
import type { RealtimeEvent } from '#shared/realtime/events'
import type { BackendSession, ClientCodec } from '../../transceiver-nodes/backends/backend.ts'
import { createRealtimeBackend } from '../../transceiver-nodes/backends/realtime.ts'
import type { RealtimeLimits } from '../../transceiver-nodes/backends/realtime-limits.ts'
import { Conversation } from '../../transceiver-nodes/core/conversation.ts'
import { Playout } from '../../transceiver-nodes/core/media/playout.ts'
import { PART, turnOf } from '../realtime-turn.ts'
import { ScriptedBackend, sessionEvent } from '../scripted-backend.ts'
import type { ScriptedConversation, ScriptedOptions } from '../scripted-backend.ts'
import { until } from '../until.ts'

/** One call behind a scripted backend: what the client was sent, and the playout under the test's own clock. */
class TestCall {
  readonly playout = new Playout()
  readonly clientTexts: string[] = []
  readonly drops: Record<string, number> = {}
  readonly conversation: Conversation
  readonly session: BackendSession
  readonly frame = new Int16Array(480)
  endReason: string | undefined

  constructor(url: string, options: CallOptions = {}) {
    const { codec = 'opus', limits, session, headers = {}, takesOpus = false } = options
    const target = { url, headers, takesOpus }
    const parts = { target, mintId: (prefix: string) => `${prefix}_ours` }
    const backend = createRealtimeBackend({ ...parts, ...(limits && { limits }) })
    this.conversation = new Conversation(this.playout, {
      toClient: (event, text) => this.clientTexts.push(text ?? JSON.stringify(event)),
      toBackend: (event, text) => this.session.handleEvent(event, text),
      describePath: () => ({}),
      eventId: () => 'event_edge',
    })
    this.session = backend.open(
      { callId: 'rtc_test', session, codec },
      {
        event: (event, text) => this.conversation.handleBackendEvent(event, text),
        audio: (part, samples) => this.conversation.handleAudio(part, samples),
        packet: (part, payload) => this.conversation.handlePacket(part, payload),
        audioDone: (part) => this.conversation.handleAudioDone(part),
        drop: (reason) => (this.drops[reason] = (this.drops[reason] ?? 0) + 1),
        end: (reason) => (this.endReason = reason),
      },
    )
    calls.push(this)
  }

  get events(): RealtimeEvent[] {
    return this.clientTexts.map((text) => JSON.parse(text) as RealtimeEvent)
  }

  get types(): string[] {
    return this.events.map(({ type }) => type)
  }

  /** Plays `frames` of 20 ms and returns what they were. */
  play(frames: number): string[] {
    return Array.from({ length: frames }, () => {
      const pulled = this.playout.pull(this.frame)
      this.conversation.reportPlayout()
      return pulled
    })
  }

  untilType(type: string): Promise<void> {
    return until(() => expect(this.types).toContain(type))
  }

  untilEnd(): Promise<void> {
    return until(() => expect(this.endReason).toBeDefined())
  }

  clientSends(text: string): void {
    this.conversation.handleClientEvent(JSON.parse(text) as RealtimeEvent, text)
  }
}

interface CallOptions {
  readonly codec?: ClientCodec
  readonly limits?: Partial<RealtimeLimits>
  readonly session?: Record<string, unknown>
  readonly headers?: Record<string, string>
  readonly takesOpus?: boolean
}

const calls: TestCall[] = []
const backends: ScriptedBackend[] = []

afterEach(async () => {
  vi.restoreAllMocks()
  for (const call of calls.splice(0)) call.session.close()
  await Promise.all(backends.splice(0).map((backend) => backend.close()))
})

async function startBackend(options: ScriptedOptions = {}): Promise<ScriptedBackend> {
  const backend = await ScriptedBackend.start(options)
  backends.push(backend)
  return backend
}

/** A call whose session has begun. */
async function begun(
  options: CallOptions = {},
  scripted: ScriptedOptions = {},
): Promise<{ call: TestCall; remote: ScriptedConversation; backend: ScriptedBackend }> {
  const backend = await startBackend(scripted)
  const call = new TestCall(backend.url, options)
  const remote = await backend.conversation()
  await remote.untilEvent('session.update')
  await call.untilType('session.updated')
  return { call, remote, backend }
}

describe('a session', () => {
  test('begins with the model in the URL, the headers of the configuration, and the session in our format', async () => {
    const session = {
      type: 'realtime',
      model: 'a model',
      instructions: 'Be brief.',
      audio: { output: { voice: 'x' } },
    }
    const { call, remote } = await begun({ session, headers: { Authorization: 'Bearer key' } })
    expect(remote.request.url).toBe('/v1/realtime?model=a+model')
    expect(remote.request.headers).toMatchObject({
      authorization: 'Bearer key',
      'firsthop-call-id': 'rtc_test',
    })
    expect(remote.request.headers['openai-beta']).toBeUndefined()
    expect(remote.request.headers['sec-websocket-protocol']).toBeUndefined()
    const format = { type: 'audio/pcm', rate: 24_000 } as const
    const update: RealtimeClientEvent = {
      type: 'session.update',
      event_id: 'event_ours',
      session: {
        type: 'realtime',
        instructions: 'Be brief.',
        audio: { output: { voice: 'x', format }, input: { format } },
      },
    }
    expect(remote.events).toEqual([update])
    expect(call.types).toEqual(['session.created', 'session.updated'])
  })

  test('keeps the model that the operator has put into the URL', async () => {
    const backend = await startBackend()
    const call = new TestCall(`${backend.url}?model=mine&deployment=d`, { session: { model: 'theirs' } })
    const remote = await backend.conversation()
    expect(remote.request.url).toBe('/v1/realtime?model=mine&deployment=d')
    await call.untilType('session.created')
  })

  test('closes the connection when the call ends', async () => {
    const { call, remote } = await begun()
    call.session.close()
    await until(() => expect(remote.closeCode).toBe(1000))
    expect(call.endReason).toBeUndefined()
  })

  test('holds what comes before it has begun, and sends it in order, after the configuration', async () => {
    const backend = await startBackend({ opensSessions: false })
    const call = new TestCall(backend.url)
    call.clientSends('{"type":"response.create","event_id":"first"}')
    call.session.handleAudio(new Int16Array(480).fill(7))
    const remote = await backend.conversation()
    call.clientSends('{"type":"response.cancel","event_id":"second"}')
    expect(remote.texts).toEqual([])
    remote.say(sessionEvent('session.created', {}))
    await remote.untilEvent('response.cancel')
    expect(remote.events.map(({ type }) => type)).toEqual([
      'session.update',
      'response.create',
      'response.cancel',
    ])
    await until(() => expect(remote.audio).toHaveLength(960))
  })

  test('bounds what it holds: of events the first stay, of audio the latest, and the client is told', async () => {
    const backend = await startBackend({ opensSessions: false })
    const call = new TestCall(backend.url, { limits: { heldEvents: 2, heldAudio: 3 } })
    for (const id of [1, 2, 3]) call.clientSends(`{"type":"response.cancel","event_id":"${id}"}`)
    for (let i = 1; i <= 5; i++) call.session.handleAudio(new Int16Array(480).fill(i))
    expect(call.events).toMatchObject([{ type: 'error', error: { code: 'backend_not_ready' } }])
    const remote = await backend.conversation()
    remote.say(sessionEvent('session.created', {}))
    await until(() => expect(remote.audio).toHaveLength(3 * 960))
    expect(remote.audio.readInt16LE(0)).toBe(3)
    expect(remote.events).toHaveLength(3)
    expect(call.drops).toEqual({ 'event-early': 1, 'microphone-early': 2 })
  })
})

describe('events', () => {
  const STRANGE =
    '{"type":"a.type.of.tomorrow" , "n":1.0, "big":123456789012345678901,"__proto__":{"a":"\\u00e9é"}}'

  test('pass untouched both ways, known or not, to the byte', async () => {
    const { call, remote } = await begun()
    remote.socket.send(STRANGE)
    await call.untilType('a.type.of.tomorrow')
    expect(call.clientTexts.at(-1)).toBe(STRANGE)
    call.clientSends(STRANGE)
    await until(() => expect(remote.texts.at(-1)).toBe(STRANGE))
  })

  test('of the API pass in their order, but for audio, which is sound', async () => {
    const { call, remote } = await begun()
    const turn = turnOf(new Int16Array(4_800))
    remote.say(...turn)
    await call.untilType('response.done')
    const passed = turn.filter(({ type }) => type !== 'response.output_audio.delta')
    expect(call.events.slice(2)).toEqual(passed)
    expect(call.playout.backlogMillis).toBe(200)
  })

  test("of the client keep our audio format, in the session's and in a response's settings", async () => {
    const { call, remote } = await begun({ codec: 'pcmu' })
    const audio = {
      input: { format: { type: 'audio/pcm', rate: 24_000 } },
      output: { voice: 'x', format: { type: 'audio/pcm' } },
    }
    call.clientSends(
      JSON.stringify({ type: 'response.create', response: { audio: { output: audio.output } } }),
    )
    const create = await remote.untilEvent('response.create')
    expect(create.response?.audio?.output).toEqual({ voice: 'x', format: { type: 'audio/pcmu' } })
    call.clientSends(JSON.stringify({ type: 'session.update', session: { type: 'realtime', audio } }))
    await until(() => expect(remote.events.filter(({ type }) => type === 'session.update')).toHaveLength(2))
    expect(remote.events.at(-1)).toMatchObject({
      session: {
        audio: {
          input: { format: { type: 'audio/pcmu' } },
          output: { voice: 'x', format: { type: 'audio/pcmu' } },
        },
      },
    })
  })

  test('that are the transceiver’s own, or no events, do not reach the client', async () => {
    const { call, remote } = await begun()
    remote.say({ type: 'output_audio_buffer.started', event_id: 'e', response_id: 'r' })
    for (const text of ['{', '[]', '{"type":7}']) remote.socket.send(text)
    remote.socket.send(Buffer.from([1, 2, 3]))
    remote.socket.send(STRANGE)
    await call.untilType('a.type.of.tomorrow')
    expect(call.types).toEqual(['session.created', 'session.updated', 'a.type.of.tomorrow'])
    expect(call.drops).toEqual({
      'event-owned': 1,
      'event-not-json': 1,
      'event-without-type': 2,
      'frame-unexpected': 1,
    })
  })

  test('output_audio_buffer.clear stays here, and becomes a truncation', async () => {
    const { call, remote } = await begun()
    remote.say(...turnOf(new Int16Array(24_000)))
    await call.untilType('response.done')
    call.play(7)
    call.clientSends('{"type":"output_audio_buffer.clear"}')
    const truncation: RealtimeClientEvent = {
      type: 'conversation.item.truncate',
      event_id: 'event_edge',
      item_id: 'item_1',
      content_index: 0,
      audio_end_ms: 140,
    }
    expect(await remote.untilEvent('conversation.item.truncate')).toEqual(truncation)
    expect(remote.events.map(({ type }) => type)).not.toContain('output_audio_buffer.clear')
  })
})

describe('audio', () => {
  test('of an Opus client goes as 24 kHz PCM in messages of at least 20 ms', async () => {
    const { call, remote } = await begun()
    expect(call.session.inputFormat).toBe('pcm')
    const samples = Int16Array.from({ length: 4_800 }, (_, i) => i * 3 - 7_000)
    // Packets of 10, 20 and 60 ms.
    for (const [from, to] of [
      [0, 240],
      [240, 480],
      [480, 960],
      [960, 2_400],
      [2_400, 4_800],
    ] as const) {
      call.session.handleAudio(samples.subarray(from, to))
    }
    await until(() => expect(remote.audio).toHaveLength(9_600))
    expect(new Int16Array(new Uint8Array(remote.audio).buffer)).toEqual(samples)
    expect(remote.texts.filter((text) => text.includes('append'))).toHaveLength(4)
  })

  test('of a G.711 client passes as it is, with silence for what was lost', async () => {
    const { call, remote } = await begun({ codec: 'pcma' })
    expect(call.session.inputFormat).toBe('codec')
    call.session.handlePacket(new Uint8Array(160).fill(1), 20)
    call.session.handlePacket(new Uint8Array(0), 20)
    call.session.handlePacket(new Uint8Array(160).fill(2), 20)
    await until(() => expect(remote.audio).toHaveLength(480))
    expect([0, 160, 320].map((at) => remote.audio[at])).toEqual([1, 0xd5, 2])
  })

  test('of the backend is played as PCM to an Opus client', async () => {
    const { call, remote } = await begun()
    const samples = Int16Array.from({ length: 1_000 }, (_, i) => i - 500)
    remote.say(...turnOf(samples, 300))
    await call.untilType('response.done')
    const heard: number[] = []
    for (let i = 0; i < 3; i++) {
      expect(call.play(1)).toEqual(['audio'])
      heard.push(...call.frame)
    }
    expect(heard.slice(0, 1_000)).toEqual([...samples])
    expect(call.play(1)).toEqual(['idle'])
    expect(call.types.filter((type) => type.startsWith('output_audio_buffer'))).toEqual([
      'output_audio_buffer.started',
      'output_audio_buffer.stopped',
    ])
  })

  test('of the backend is cut into packets for a G.711 client', async () => {
    const { call, remote } = await begun({ codec: 'pcmu' })
    const octets = Uint8Array.from({ length: 500 }, (_, i) => i)
    remote.say(...turnOf(octets, 70))
    await call.untilType('response.done')
    const packets: Uint8Array[] = []
    while (call.play(1)[0] === 'packet') packets.push(packetOf(call.playout))
    const joined = concatBytes(...packets)
    expect(packets).toHaveLength(4)
    expect(joined.subarray(0, 500)).toEqual(octets)
    expect(new Set(joined.subarray(500))).toEqual(new Set([0xff]))
  })

  test('that a backend never says to be done ends with its response', async () => {
    const { call, remote } = await begun()
    remote.say(...turnOf(new Int16Array(700)).filter(({ type }) => type !== 'response.output_audio.done'))
    await call.untilType('response.done')
    expect(call.play(3)).toEqual(['audio', 'audio', 'idle'])
    expect(call.types.at(-1)).toBe('output_audio_buffer.stopped')
  })

  test('that is not whole samples, or belongs to nothing, is dropped and counted', async () => {
    const { call, remote } = await begun()
    const delta = { type: 'response.output_audio.delta', event_id: 'e', ...PART } as const
    const [threeBytes, noBase64] = ['AAAA', 'A!!=']
    remote.say({ ...delta, delta: threeBytes }, { ...delta, delta: noBase64 })
    remote.socket.send(JSON.stringify({ ...delta, delta: 'AAA=', content_index: undefined }))
    remote.say(...turnOf(new Int16Array(480)))
    await call.untilType('response.done')
    expect(call.drops).toEqual({ 'audio-malformed': 3 })
    expect(call.play(2)[0]).toBe('audio')
  })

  test('faster than real time is buffered up to the bound, and the client is told of the rest', async () => {
    const { call, remote } = await begun()
    const tenSeconds = Buffer.from(new Int16Array(240_000).buffer).toString('base64')
    for (let seconds = 0; seconds < 310; seconds += 10) {
      remote.say({ type: 'response.output_audio.delta', event_id: 'e', ...PART, delta: tenSeconds })
    }
    await call.untilType('error')
    expect(call.events.at(-1)).toMatchObject({ error: { code: 'output_audio_backlog_full' } })
    expect(call.playout.backlogMillis).toBe(300_000)
    expect(call.endReason).toBeUndefined()
  })
})

describe('an interruption', () => {
  test('empties playout within one frame, and tells the backend the milliseconds that were sent', async () => {
    const { call, remote } = await begun()
    remote.say(...turnOf(new Int16Array(240_000)).slice(0, -4))
    await call.untilType('response.created')
    await until(() => expect(call.playout.backlogMillis).toBe(10_000))
    expect(new Set(call.play(23))).toEqual(new Set(['audio']))
    remote.say({
      type: 'input_audio_buffer.speech_started',
      event_id: 'e',
      audio_start_ms: 9,
      item_id: 'item_2',
    })
    expect(await remote.untilEvent('conversation.item.truncate')).toMatchObject({
      item_id: 'item_1',
      content_index: 0,
      audio_end_ms: 460,
    })
    expect(call.play(1)).toEqual(['idle'])
    expect(call.types.slice(-3)).toEqual([
      'output_audio_buffer.started',
      'input_audio_buffer.speech_started',
      'output_audio_buffer.cleared',
    ])
    remote.say(...turnOf(new Int16Array(480)))
    await call.untilType('response.done')
    expect(call.play(1)).toEqual(['idle'])
  })
})

describe('the binary subprotocol', () => {
  const OPUS_20_MS = Uint8Array.of(0xf8, 1, 2, 3)

  function frameOf(sequence: number, part: number, payload: Uint8Array, duration = 20): Uint8Array {
    const header = new Uint8Array(AUDIO_FRAME_HEADER_BYTES)
    writeAudioFrameHeader(header, payload.length === 0, duration, sequence, part)
    return concatBytes(header, payload)
  }

  test('carries Opus both ways, and no format in any event', async () => {
    const { call, remote } = await begun({ takesOpus: true }, { subprotocol: AUDIO_SUBPROTOCOL })
    expect(remote.request.headers['sec-websocket-protocol']).toBe(`${AUDIO_SUBPROTOCOL},realtime`)
    expect(call.session.inputFormat).toBe('codec')
    expect(remote.events).toMatchObject([{ session: { audio: { input: {}, output: {} } } }])
    expect(JSON.stringify(remote.events)).not.toContain('format')
    call.session.handlePacket(OPUS_20_MS, 20)
    call.session.handlePacket(new Uint8Array(0), 20)
    await until(() => expect(remote.frames).toHaveLength(2))
    expect(remote.frames.map((frame) => new Uint8Array(frame))).toEqual([
      frameOf(0, 0, OPUS_20_MS),
      frameOf(1, 0, new Uint8Array(0)),
    ])
    remote.socket.send(JSON.stringify({ type: 'firsthop.output_audio.part', part: 9, ...PART }))
    remote.socket.send(frameOf(0, 9, OPUS_20_MS))
    remote.say({ type: 'response.output_audio.done', event_id: 'e', ...PART })
    await call.untilType('response.output_audio.done')
    expect(call.play(2)).toEqual(['packet', 'idle'])
    expect(packetOf(call.playout)).toEqual(OPUS_20_MS)
    expect(call.types).not.toContain('firsthop.output_audio.part')
  })

  test('drops and counts packets that cannot be played', async () => {
    const { call, remote } = await begun({ takesOpus: true }, { subprotocol: AUDIO_SUBPROTOCOL })
    remote.socket.send(frameOf(0, 9, OPUS_20_MS))
    remote.socket.send(JSON.stringify({ type: 'firsthop.output_audio.part', part: 9, ...PART }))
    remote.socket.send(frameOf(1, 9, OPUS_20_MS, 60))
    remote.socket.send(frameOf(2, 9, Uint8Array.of(0xf0, 1), 20))
    remote.socket.send(Uint8Array.of(0x10, 8, 0))
    await until(() => expect(call.drops['frame-truncated']).toBe(1))
    expect(call.drops).toEqual({ 'frame-part-unknown': 1, 'frame-not-20ms': 2, 'frame-truncated': 1 })
    expect(call.playout.backlogMillis).toBe(0)
  })

  test('is given up for PCM when the backend chooses the plain one', async () => {
    const backend = await startBackend({ subprotocol: 'realtime', opensSessions: false })
    const call = new TestCall(backend.url, { takesOpus: true })
    call.session.handlePacket(OPUS_20_MS, 20)
    const remote = await backend.conversation()
    remote.say(sessionEvent('session.created', {}))
    expect(await remote.untilEvent('session.update')).toMatchObject({
      session: { audio: { input: { format: { type: 'audio/pcm', rate: 24_000 } } } },
    })
    expect(call.session.inputFormat).toBe('pcm')
    expect(call.drops).toEqual({ 'microphone-early': 1 })
    expect(remote.frames).toEqual([])
  })

  test('is not offered to a G.711 client', async () => {
    const { remote } = await begun({ takesOpus: true, codec: 'pcmu' })
    expect(remote.request.headers['sec-websocket-protocol']).toBeUndefined()
  })
})

describe('a backend that fails', () => {
  const QUICK = { backOffMillis: 5, attemptMillis: 5_000 }

  test('is tried again while no session has begun, and the client notices nothing', async () => {
    const { call, backend } = await begun({ limits: QUICK }, { statuses: [503, 429] })
    expect(backend.handshakes).toBe(3)
    expect(call.types).toEqual(['session.created', 'session.updated'])
  })

  test('is tried again when it takes the connection and never begins', async () => {
    const backend = await startBackend({ opensSessions: false })
    const call = new TestCall(backend.url, { limits: { ...QUICK, attemptMillis: 100, attempts: 2 } })
    call.session.handleEvent({ type: 'response.create' })
    await call.untilEnd()
    expect([backend.handshakes, call.endReason]).toEqual([2, 'backend-unreachable'])
  })

  test('ends the call with an error when no attempt succeeds', async () => {
    const backend = await startBackend({ statuses: [503, 503, 503, 503, 503] })
    const call = new TestCall(backend.url, { limits: { ...QUICK, attempts: 3 } })
    await call.untilEnd()
    expect([backend.handshakes, call.endReason]).toEqual([3, 'backend-unreachable'])
    expect(call.events).toMatchObject([
      { type: 'error', error: { type: 'server_error', code: 'backend_unreachable' } },
    ])
  })

  test.each([401, 403, 404, 301])('is not asked twice after a %i', async (status) => {
    const backend = await startBackend({ statuses: [status] })
    const call = new TestCall(backend.url, { limits: QUICK })
    await call.untilEnd()
    expect([backend.handshakes, call.endReason]).toEqual([1, 'backend-refused'])
  })

  test.each([
    ['backend-closed', 'says goodbye', (remote: ScriptedConversation) => remote.socket.close(1000)],
    ['backend-lost', 'goes away', (remote: ScriptedConversation) => remote.socket.close(1001)],
    ['backend-lost', 'dies', (remote: ScriptedConversation) => remote.socket.terminate()],
  ])('ends the call as %s when it %s in the middle', async (reason, _, fail) => {
    const { call, remote, backend } = await begun()
    fail(remote)
    await call.untilEnd()
    expect([call.endReason, backend.handshakes]).toEqual([reason, 1])
    expect(call.events.at(-1)).toMatchObject({ type: 'error', error: { code: reason.replaceAll('-', '_') } })
  })

  test('ends the call when it answers no ping', async () => {
    const { call, remote } = await begun({ limits: { pingMillis: 200 } })
    let pings = 0
    remote.socket.on('ping', () => pings++)
    await until(() => expect(pings).toBeGreaterThan(1))
    expect(call.endReason).toBeUndefined()
    remote.socket.pause()
    await call.untilEnd()
    expect(call.endReason).toBe('backend-silent')
  })

  test('loses microphone audio, and no event, when it is too slow', async () => {
    const limits = { unsentAudioBytes: 20_000, unsentBytes: 67_108_864, pingMillis: 60_000 }
    const { call, remote } = await begun({ limits })
    remote.socket.pause()
    const second = new Int16Array(3_000)
    await until(() => {
      for (let i = 0; i < 1_000; i++) call.session.handleAudio(second)
      expect(call.drops['microphone-unsent']).toBeGreaterThan(0)
    })
    for (let id = 0; id < 100; id++) call.clientSends(`{"type":"response.cancel","event_id":"${id}"}`)
    remote.socket.resume()
    await until(() =>
      expect(remote.events.filter(({ type }) => type === 'response.cancel')).toHaveLength(100),
    )
    expect(call.endReason).toBeUndefined()
  })

  test('ends the call when it takes no more events', async () => {
    const { call, remote } = await begun({ limits: { unsentBytes: 100_000, pingMillis: 60_000 } })
    remote.socket.pause()
    const event = { type: 'conversation.item.create', filler: 'x'.repeat(100_000) }
    await until(() => {
      call.session.handleEvent(event)
      expect(call.endReason).toBe('backend-stalled')
    })
  })

  test.each([
    [
      'events',
      { messageBurst: 50, messagesPerSecond: 1 },
      (remote: ScriptedConversation) => {
        for (let i = 0; i < 60; i++) remote.socket.send('{"type":"x"}')
      },
    ],
    [
      'bytes',
      { byteBurst: 100_000, bytesPerSecond: 1 },
      (remote: ScriptedConversation) => {
        for (let i = 0; i < 3; i++)
          remote.socket.send(JSON.stringify({ type: 'x', filler: 'x'.repeat(40_000) }))
      },
    ],
    [
      'one message',
      { messageBytes: 100_000 },
      (remote: ScriptedConversation) => {
        remote.socket.send(JSON.stringify({ type: 'x', filler: 'x'.repeat(100_000) }))
      },
    ],
  ])('ends its own call and no other when it floods with %s', async (_, limits, flood) => {
    const { call, remote, backend } = await begun({ limits })
    const neighbour = new TestCall(backend.url)
    const other = await backend.conversation(1)
    await neighbour.untilType('session.updated')
    flood(remote)
    await call.untilEnd()
    expect(call.endReason).toBe('backend-flood')
    other.say(...turnOf(new Int16Array(480)))
    await neighbour.untilType('response.done')
    expect(neighbour.endReason).toBeUndefined()
  })
})

/** A copy of what the last `pull` handed out. */
function packetOf({ packet: { memory, start, length } }: Playout): Uint8Array {
  return memory.slice(start, start + length)
}
