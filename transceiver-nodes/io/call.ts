/**
 * One call: its transport, its audio, its events and its backend, joined. docs/transceiver.md.
 *
 * The pieces do the work; this file says which of them hears what from which.
 */

import type { CallDescription } from '#shared/control/call-description'
import { readClient } from '#shared/endpoint'
import { monotonicNow } from '#shared/platform/clock'
import type { IceFragment } from '#shared/sdp/fragment'
import { parseClientEvent } from '#shared/realtime/events'
import type { Millis } from '#shared/time'
import type { Backend, BackendSession } from '../backends/backend.ts'
import type { Listener } from '../core/audience.ts'
import { Conversation } from '../core/conversation.ts'
import { EventOutlet, malformedEventError } from '../core/event-outlet.ts'
import type { TransceiverDrop } from './drops.ts'
import type { IceFault } from '../core/ice/agent.ts'
import type { IceCredentials } from '../core/ice/credentials.ts'
import type { IcePath } from '../core/ice/path.ts'
import type { StunArrival } from '../core/ice/paths.ts'
import { Playout } from '../core/media/playout.ts'
import { SessionLimit } from '../core/session-limit.ts'
import type { SessionLimitReason } from '../core/session-limit.ts'
import { endedError, endingEvent } from '../core/session-limit-events.ts'
import { Timeline } from '../core/timeline.ts'
import { CallAudio } from './call-audio.ts'
import type { AudioStatistics, CallAudioOptions } from './call-audio.ts'
import { CallOutput } from './call-output.ts'
import type { LoopSession } from './loop-session.ts'
import { Peer } from './peer.ts'
import type { PeerOptions } from './peer.ts'

/** What a call is made of. */
export interface CallOptions {
  readonly callId: string
  readonly handle: number
  /** Who asked for the call, and when. */
  readonly origin: Pick<CallDescription, 'placedAt' | 'requestId' | 'apiKeyId' | 'steering'>
  /** What a fragment of an ICE restart repeats of the answer. */
  readonly ice: Omit<IceFragment, 'iceUfrag' | 'icePwd'>
  readonly session: Readonly<Record<string, unknown>> | undefined
  readonly peer: Omit<PeerOptions, 'events' | 'bindPath' | 'unbindPath'>
  readonly audio: Omit<CallAudioOptions, 'peer' | 'playout' | 'listener'>
  readonly backend: Backend
  readonly eventId: () => string
  /** When the call has lasted long enough. */
  readonly deadline: Millis
  /** Names the relay at a link and the transceiver for `firsthop.path`. */
  readonly describeNodes: (link: number) => Readonly<Record<string, unknown>>
  readonly bindPath: (path: IcePath, call: Call) => void
  readonly unbindPath: (path: IcePath) => void
  /** Something of this call was dropped; `error` is there when a bug showed. */
  readonly onFault: (fault: TransceiverDrop, error?: unknown) => void
  /** Is told once, when the call is over. */
  readonly onEnd: (call: Call, reason: string) => void
}

/** One call. */
export class Call implements LoopSession {
  readonly callId: string
  /** The session that the call's routes name. */
  readonly handle: number
  readonly ice: CallOptions['ice']
  readonly timeline: Timeline
  /** How often ICE was restarted. */
  restarts = 0
  readonly #options: CallOptions
  readonly #peer: Peer
  readonly #playout = new Playout()
  readonly #conversation: Conversation
  readonly #audio: CallAudio
  readonly #backend: BackendSession
  readonly #outlet: EventOutlet
  readonly #limit: SessionLimit
  /** Whether the timeline has the first audio of each direction. */
  #hasHeard = false
  #hasSpoken = false
  #hasEnded = false

  constructor(options: CallOptions, now: Millis) {
    this.callId = options.callId
    this.handle = options.handle
    this.ice = options.ice
    this.#options = options
    this.timeline = new Timeline(now)
    this.#limit = new SessionLimit(options.deadline)
    this.#peer = new Peer(this.#peerOptions(), now)
    this.#outlet = new EventOutlet({
      send: (text) => this.#peer.sendMessage(text),
      onUnsent: () => options.onFault('event-unsent'),
      eventId: options.eventId,
    })
    this.#conversation = new Conversation(this.#playout, {
      toClient: (event, text) => this.#outlet.tell(event, text),
      toBackend: (event, text) => this.#backend.handleEvent(event, text),
      describePath: () => this.#describePath(),
      eventId: options.eventId,
    })
    this.#backend = options.backend.open(
      { callId: options.callId, session: options.session, codec: options.audio.codec.name },
      new CallOutput(this.#conversation, {
        onDrop: (reason) => options.onFault(`backend-${reason}`),
        onEnd: (reason) => this.end(reason),
      }),
    )
    this.#audio = new CallAudio({
      ...options.audio,
      peer: this.#peer,
      playout: this.#playout,
      listener: this.#backend,
    })
  }

  /** How often what was being said was cut short. */
  get interruptions(): number {
    return this.#playout.interruptions
  }

  get isConnected(): boolean {
    return this.#peer.isConnected
  }

  get hasChannel(): boolean {
    return this.#outlet.isOpen
  }

  /** Our INIT chunk for the answer, if the offer has one. */
  get sctpInit(): Uint8Array | undefined {
    return this.#peer.sctpInit
  }

  /** The client's user name fragment. */
  get remoteUfrag(): string {
    return this.#peer.ice.remoteUfrag
  }

  /** Begins an ICE restart: DTLS, SRTP and the data channel stay as they are. */
  restartIce(credentials: IceCredentials): void {
    this.restarts++
    this.#peer.ice.restart(credentials)
  }

  /** What became of the audio so far, for the call's record. */
  get audioStatistics(): AudioStatistics {
    return this.#audio.statistics
  }

  handleStun(arrival: StunArrival, now: Millis): IcePath | IceFault {
    const verdict = this.#peer.handleStun(arrival, now)
    if (typeof verdict !== 'string') this.timeline.mark('firstCheck', now)
    return verdict
  }

  handleDtls(start: number, length: number): TransceiverDrop | undefined {
    return this.#peer.handleDtls(start, length)
  }

  handleRtp(start: number, length: number, path: IcePath, now: Millis): TransceiverDrop | undefined {
    const plain = this.#peer.unprotectRtp(start, length, path, now)
    if (typeof plain === 'string') return plain
    const drop = this.#audio.handleRtp(start, plain, now)
    if (drop === undefined && !this.#hasHeard) {
      this.#hasHeard = true
      this.timeline.mark('firstAudioIn', now)
    }
    return drop
  }

  handleRtcp(start: number, length: number, path: IcePath, now: Millis): TransceiverDrop | undefined {
    const plain = this.#peer.unprotectRtcp(start, length, path, now)
    return typeof plain === 'string' ? plain : this.#audio.handleRtcp(start, plain, now)
  }

  prefetch(): number {
    return (
      this.#peer.prefetch() +
      this.#audio.prefetch() +
      this.#playout.prefetch() +
      this.#conversation.prefetch() +
      Number(this.#outlet.isOpen)
    )
  }

  flush(): void {
    this.#peer.flush()
  }

  tick(frame: number, due: number, now: Millis): void {
    this.#audio.tick(frame, due, now)
    this.#conversation.reportPlayout()
    if (this.#audio.hasSpoken && !this.#hasSpoken) {
      this.#hasSpoken = true
      this.timeline.mark('firstAudioOut', now)
    }
  }

  pollTimeout(): Millis {
    const [peer, limit] = [this.#peer.pollTimeout(), this.#limit.pollTimeout()]
    return peer === undefined || limit < peer ? limit : peer
  }

  handleTimeout(now: Millis): void {
    this.#peer.handleTimeout(now)
    switch (this.#limit.handleTimeout(now)) {
      case 'warn':
        return this.#outlet.tell(
          endingEvent(this.#limit.reason, this.#limit.remaining(now), this.#options.eventId()),
        )
      case 'tell':
        return this.#outlet.tell(endedError(this.#limit.reason, this.#options.eventId()))
      case 'end':
        return this.end(this.#limit.reason)
      case undefined:
    }
  }

  /** Has the call end at `deadline`, if it would last longer, and its client told of it. */
  bringForward(deadline: Millis, reason: SessionLimitReason, now: Millis): void {
    this.#limit.bringForward(deadline, reason, now)
  }

  /** What is known of the call now. */
  describe(): CallDescription {
    const { timeline, ...path } = this.#describePath()
    return {
      ...this.#options.origin,
      state: this.isConnected ? 'connected' : 'connecting',
      restarts: this.restarts,
      timeline,
      ...(Object.keys(path).length > 0 && { path }),
    }
  }

  /** Lets a sideband hear what the client is sent; false: there are as many as there may be. */
  attach(listener: Listener): boolean {
    return this.#outlet.attach(listener)
  }

  /** Takes a sideband away. */
  detach(listener: Listener): void {
    this.#outlet.detach(listener)
  }

  /** Takes an event from a sideband, as it came; what is wrong with its form, only that sideband hears. */
  handleSideband(text: string, from: Listener): void {
    const event = parseClientEvent(text)
    if (typeof event !== 'string') this.#conversation.handleClientEvent(event)
    else from.handleEvent(JSON.stringify(malformedEventError(event, this.#options.eventId())))
  }

  /** Ends the call and frees what it holds; idempotent. */
  end(reason: string): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#backend.close()
    this.#audio.sendBye(monotonicNow())
    this.#peer.close()
    this.#audio.close()
    this.#outlet.end(reason)
    this.#options.onEnd(this, reason)
  }

  #peerOptions(): PeerOptions {
    const { peer, bindPath, unbindPath } = this.#options
    return {
      ...peer,
      bindPath: (path) => bindPath(path, this),
      unbindPath,
      events: {
        onConnected: () => this.timeline.mark('connected', monotonicNow()),
        onChannelOpen: () => this.#handleChannelOpen(),
        onChannelClose: () => this.#outlet.close(),
        onMessage: (text) => this.#handleMessage(text),
        onFault: this.#options.onFault,
        onEnd: (reason) => this.end(reason),
      },
    }
  }

  #handleChannelOpen(): void {
    this.timeline.mark('channelOpen', monotonicNow())
    this.#outlet.open()
  }

  #handleMessage(text: string): void {
    const event = parseClientEvent(text)
    if (typeof event !== 'string') this.#conversation.handleClientEvent(event, text)
    else this.#outlet.tell(malformedEventError(event, this.#options.eventId()))
  }

  #describePath(): CallPath {
    const path = this.#peer.ice.selected
    const timeline = this.timeline.toRecord()
    if (path === undefined) return { timeline }
    const roundTripMillis =
      path.roundTripMillis === undefined ? null : Math.round(path.roundTripMillis * 10) / 10
    const { transport } = readClient(path.client, 0)
    return { ...this.#options.describeNodes(path.link), client: { transport }, roundTripMillis, timeline }
  }
}

interface CallPath extends Readonly<Record<string, unknown>> {
  readonly timeline: CallDescription['timeline']
}
