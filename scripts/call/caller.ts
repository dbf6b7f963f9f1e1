/**
 * A call from the terminal: says a WAV file to the server, listens to the reply, and hangs up.
 *
 * It ends when the file has been said and the reply to it has been heard out, as the events on the data channel
 * tell; a server that sends no such events is listened to until the time is up.
 */

import { setTimeout as sleep } from 'node:timers/promises'

import { monotonicNow } from '#shared/platform/clock'
import { millisOf } from '#shared/time'
import type { Sound } from '#shared/wav'
import { Pacer } from '../../transceiver-nodes/core/media/pacer.ts'
import { CallsApi } from './api.ts'
import { CallError } from './call-error.ts'
import { CallerPeer } from './peer.ts'
import type { ServerEvent } from './peer.ts'
import { Reply } from './reply.ts'
import type { Speech } from './speech.ts'

/** What to call and how long. */
export interface CallerOptions {
  readonly url: string
  readonly key: string | undefined
  readonly speech: Speech
  readonly seconds: number
  /** Changes the answer before it is taken, such as to leave one path. */
  readonly editAnswer?: (sdp: string) => string
}

/** Moments of a call that the timeline names, in the order in which they come. */
export type CallMoment =
  | 'secret'
  | 'offer'
  | 'answer'
  | 'iceConnected'
  | 'connected'
  | 'channelOpen'
  | 'firstAudioOut'
  | 'firstAudioIn'
  | 'firstSoundIn'
  | 'hangUp'

/** What became of a call; times are milliseconds since its beginning. */
export interface CallReport {
  readonly connected: true
  readonly callId: string
  readonly relay: string | undefined
  readonly region: string | undefined
  readonly timeline: Readonly<Partial<Record<CallMoment, number>>>
  readonly sentPackets: number
  readonly receivedPackets: number
  readonly replySeconds: number
  /** On the scale of 16-bit samples. */
  readonly replyRms: number
}

/** A finished call and what was heard. */
export interface FinishedCall {
  readonly report: CallReport
  readonly sound: Sound
}

/** Places a call and sees it through; throws a `CallError` when it fails. */
export async function placeCall(options: CallerOptions): Promise<FinishedCall> {
  const caller = new Caller(options)
  return caller.run()
}

class Caller {
  readonly #options: CallerOptions
  readonly #api: CallsApi
  readonly #peer: CallerPeer
  readonly #reply: Reply
  readonly #start = monotonicNow()
  readonly #timeline: Partial<Record<CallMoment, number>> = {}
  #relay: string | undefined
  #region: string | undefined
  #isLost = false
  #wasHeard = false
  #isAnswered = false
  #isSounding = false
  #serverError: string | undefined

  constructor(options: CallerOptions) {
    this.#options = options
    this.#api = new CallsApi(options.url, options.key)
    this.#reply = new Reply(options.seconds)
    this.#peer = new CallerPeer({
      onIceConnected: () => this.#mark('iceConnected'),
      onConnected: () => this.#mark('connected'),
      onChannelOpen: () => this.#mark('channelOpen'),
      onEvent: (event) => this.#handleEvent(event),
      onAudio: (timestamp, payload) => this.#handleAudio(timestamp, payload),
      onLost: () => (this.#isLost = true),
    })
  }

  async run(): Promise<FinishedCall> {
    try {
      await this.#api.authorize()
      this.#mark('secret')
      const offer = await this.#peer.createOffer()
      this.#mark('offer')
      const { answer, location, relay, region } = await this.#api.placeCall(offer)
      this.#mark('answer')
      this.#relay = relay
      this.#region = region
      try {
        await this.#converse(answer)
      } catch (error) {
        // What failed first is what is reported.
        await this.#hangUp(location).catch(() => undefined)
        throw error
      }
      await this.#hangUp(location)
      return { report: this.#report(location), sound: this.#reply.sound }
    } finally {
      await this.#peer.close()
    }
  }

  /** Talks until the reply is over. */
  async #converse(answer: string): Promise<void> {
    await this.#peer.acceptAnswer(this.#options.editAnswer?.(answer) ?? answer)
    await this.#connect()
    await this.#talk()
    if (this.#reply.seconds > 0) return
    const said = this.#serverError === undefined ? '' : `; the server said: ${this.#serverError}`
    throw new CallError('no-reply', `connected, but nothing was heard in ${this.#options.seconds} s${said}`)
  }

  async #hangUp(location: string): Promise<void> {
    this.#mark('hangUp')
    await this.#api.hangUp(location)
  }

  async #connect(): Promise<void> {
    await this.#until('connected', CONNECT_TIMEOUT, () => {
      const stage =
        this.#timeline.iceConnected === undefined ? 'ICE found no path to the relays' : 'DTLS failed'
      return new CallError(
        'not-connected',
        `${stage} within ${CONNECT_TIMEOUT / 1000} s (${this.#peer.iceState})`,
      )
    })
    await this.#until('channelOpen', CHANNEL_TIMEOUT, () => {
      return new CallError('no-channel', `the data channel did not open within ${CHANNEL_TIMEOUT / 1000} s`)
    })
  }

  async #until(moment: CallMoment, timeout: number, failure: () => CallError): Promise<void> {
    const deadline = monotonicNow() + timeout
    while (this.#timeline[moment] === undefined) {
      if (this.#isLost)
        throw new CallError('lost', `the connection ended before ${moment} (${this.#peer.iceState})`)
      if (monotonicNow() > deadline) throw failure()
      await sleep(POLL_INTERVAL)
    }
  }

  /** Sends one frame every 20 ms until the reply is over or the time is up. */
  async #talk(): Promise<void> {
    const { speech, seconds } = this.#options
    const pacer = new Pacer(monotonicNow())
    const deadline = millisOf(monotonicNow() + seconds * 1000)
    while (monotonicNow() < deadline && !this.#isOver()) {
      if (this.#isLost) throw new CallError('lost', `the connection was lost (${this.#peer.iceState})`)
      const due = pacer.advance(monotonicNow())
      for (let frame = pacer.frame; frame < pacer.frame + due; frame++) {
        this.#peer.sendAudio(frame, speech.nextPacket())
        this.#mark('firstAudioOut')
      }
      await sleep(Math.max(1, pacer.pollTimeout() - monotonicNow()))
    }
  }

  #isOver(): boolean {
    return this.#options.speech.isOver && this.#isAnswered && !this.#isSounding
  }

  #handleAudio(timestamp: number, payload: Uint8Array): void {
    this.#mark('firstAudioIn')
    if (this.#reply.handlePacket(timestamp, payload)) this.#mark('firstSoundIn')
  }

  #handleEvent(event: ServerEvent): void {
    switch (event.type) {
      case 'error':
        this.#serverError = event.error?.message
        break
      case 'firsthop.path':
        this.#relay = event.relay?.id ?? this.#relay
        this.#region = event.relay?.region ?? this.#region
        break
      case 'input_audio_buffer.speech_stopped':
        this.#wasHeard = true
        break
      case 'output_audio_buffer.started':
        this.#peer.sendEvent({ type: 'firsthop.path.retrieve' })
        this.#isSounding = true
        this.#isAnswered ||= this.#wasHeard
        break
      case 'output_audio_buffer.stopped':
      case 'output_audio_buffer.cleared':
        this.#isSounding = false
        break
      default:
    }
  }

  #mark(moment: CallMoment): void {
    this.#timeline[moment] ??= Math.round((monotonicNow() - this.#start) * 10) / 10
  }

  #report(location: string): CallReport {
    return {
      connected: true,
      callId: location.split('/').pop() ?? '',
      relay: this.#relay,
      region: this.#region,
      timeline: this.#timeline,
      sentPackets: this.#peer.sentPackets,
      receivedPackets: this.#reply.receivedPackets,
      replySeconds: Math.round(this.#reply.seconds * 100) / 100,
      replyRms: Math.round(this.#reply.rms),
    }
  }
}

const CONNECT_TIMEOUT = 10_000
const CHANNEL_TIMEOUT = 5_000
const POLL_INTERVAL = 5
