/**
 * The WebRTC side of a call on werift's RTCPeerConnection: an implementation that shares no ICE, DTLS or SRTP
 * code with the transceiver, so that a call which succeeds shows that two of them agree.
 */

import { networkInterfaces } from 'node:os'
import { MediaStreamTrack, RTCPeerConnection, RtpHeader, RtpPacket, useOPUS } from 'werift'
import type { RTCDataChannel } from 'werift'

import { rtpTimestampOf } from '../../transceiver-nodes/core/media/pacer.ts'
import { CallError } from './call-error.ts'

/** The fields of server events that a caller reads. */
export interface ServerEvent {
  readonly type: string
  readonly relay?: { readonly id?: string; readonly region?: string }
  readonly error?: { readonly message?: string }
}

/** What a peer tells its caller. */
export interface CallerPeerEvents {
  onIceConnected(): void
  onConnected(): void
  onChannelOpen(): void
  onEvent(event: ServerEvent): void
  onAudio(timestamp: number, payload: Uint8Array): void
  /** The connection failed or was closed from outside. */
  onLost(): void
}

/** One end of a call: an audio track each way and a data channel. */
export class CallerPeer {
  sentPackets = 0
  readonly #connection: RTCPeerConnection
  readonly #track = new MediaStreamTrack({ kind: 'audio' })
  readonly #channel: RTCDataChannel
  #isClosed = false

  constructor(events: CallerPeerEvents) {
    this.#connection = new RTCPeerConnection({
      codecs: { audio: [useOPUS({ payloadType: 111, parameters: 'minptime=10;useinbandfec=1' })] },
      bundlePolicy: 'max-bundle',
      iceAdditionalHostAddresses: hasNetwork() ? undefined : ['127.0.0.1'],
    })
    const transceiver = this.#connection.addTransceiver(this.#track, { direction: 'sendrecv' })
    this.#channel = this.#connection.createDataChannel('oai-events')
    // werift asks a public STUN server when none is configured: 5 s lost, and the relays need no such candidate.
    for (const { connection } of this.#connection.iceTransports) delete connection.stunServer
    transceiver.onTrack.subscribe((track) => {
      track.onReceiveRtp.subscribe(({ header, payload }) => events.onAudio(header.timestamp, payload))
    })
    // werift says `completed` when it has gathered its candidates, before it knows the peer.
    this.#connection.iceConnectionStateChange.subscribe((state) => {
      if (state === 'connected') events.onIceConnected()
    })
    this.#connection.connectionStateChange.subscribe((state) => {
      if (state === 'connected') events.onConnected()
      if ((state === 'failed' || state === 'closed') && !this.#isClosed) events.onLost()
    })
    this.#channel.onMessage.subscribe((message) => events.onEvent(parseEvent(String(message))))
    this.#channel.stateChanged.subscribe((state) => {
      if (state === 'open') events.onChannelOpen()
    })
  }

  /** How far the connection got, for an error message. */
  get iceState(): string {
    return this.#connection.iceConnectionState
  }

  /** Makes the offer; its host candidates are there at once, and the server needs none. */
  async createOffer(): Promise<string> {
    await this.#connection.setLocalDescription(await this.#connection.createOffer())
    return this.#connection.localDescription?.sdp ?? ''
  }

  /** Takes the answer and begins to connect. */
  async acceptAnswer(sdp: string): Promise<void> {
    // werift takes any text as an answer, and closes without a word what is not in it.
    if (!/^m=audio [1-9]/m.test(sdp)) throw new CallError('refused', 'the answer takes no audio')
    await this.#connection.setRemoteDescription({ type: 'answer', sdp }).catch((error: unknown) => {
      throw new CallError('refused', `the answer cannot be used: ${(error as Error).message}`, error)
    })
  }

  /** Sends frame number `frame` of the call. */
  sendAudio(frame: number, payload: Uint8Array): void {
    const header = new RtpHeader({
      sequenceNumber: frame & 0xffff,
      timestamp: rtpTimestampOf(frame, 0),
      payloadType: 111,
      marker: frame === 0,
    })
    this.#track.writeRtp(new RtpPacket(header, Buffer.from(payload)))
    this.sentPackets += 1
  }

  /** Sends a client event. */
  sendEvent(event: Readonly<Record<string, unknown>>): void {
    this.#channel.send(JSON.stringify(event))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#connection.close()
  }
}

/** What is not JSON is shown as an event of its own: an exception here would end in werift, unseen. */
function parseEvent(text: string): ServerEvent {
  try {
    return JSON.parse(text) as ServerEvent
  } catch {
    return { type: 'error', error: { message: `no JSON on the data channel: ${text.slice(0, 80)}` } }
  }
}

/** werift leaves loopback out, which is all that a machine without a network has. */
function hasNetwork(): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some(({ internal }) => !internal) === true)
}
