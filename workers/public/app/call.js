// @ts-check
/**
 * One call, from the microphone to the hang-up: the life of an `RTCPeerConnection`.
 *
 * A `Call` is used once. It never touches the DOM; it reports through its listener and keeps its state,
 * marks and path in public fields. The browser offers without ICE servers and without waiting for
 * candidates: the relays in the answer are all it needs, and they learn it from its first check.
 */

import { hangUpCall, mintClientSecret, placeCall } from './api.js'
import { CallProblem, problemOfMicrophone } from './errors.js'
import { CallPath } from './path.js'
import { Session } from './session.js'
import { readStats } from './stats.js'

/**
 * @typedef {'idle' | 'asking' | 'connecting' | 'connected' | 'ended' | 'failed'} CallState
 *
 * @typedef {object} CallListener
 * @property {() => void} onState     `state`, `endedBy` or `interrupted` changed
 * @property {() => void} onMark      `marks` has another entry
 * @property {() => void} onPath      `path` changed
 * @property {(direction: 'sent' | 'received', event: import('./session.js').RealtimeEvent) => void} onEvent
 * @property {(stats: import('./stats.js').CallStats) => void} onStats  once a second
 * @property {(stream: MediaStream) => void} onMicrophone
 * @property {(stream: MediaStream) => void} onAgentAudio
 * @property {(problem: CallProblem) => void} onProblem  also for problems that do not end the call
 */

/** A call to the agent; `place` starts it, `hangUp` ends it at any time. */
export class Call {
  /** @type {CallState} */
  state = 'idle'
  /** @type {'you' | 'server' | undefined} */
  endedBy
  /** Whether packets have stopped coming; the browser keeps looking for a path. */
  interrupted = false
  muted = false
  /** @type {import('./timeline.js').BrowserMarks} */
  marks = {}
  path = new CallPath()
  /** @type {import('./api.js').PlacedCall | undefined} */
  placed

  #listener
  #abort = new AbortController()
  /** @type {MediaStream | undefined} */
  #microphone
  /** @type {RTCPeerConnection | undefined} */
  #peer
  /** @type {Session | undefined} */
  #session
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #connectTimer
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #statsTimer

  /** @param {CallListener} listener */
  constructor(listener) {
    this.#listener = listener
  }

  /**
   * Places the call; failures go to the listener. `key` is an API key, an ephemeral key, or absent.
   * @param {string | undefined} key
   */
  async place(key) {
    this.mark('click')
    this.#enter('asking')
    try {
      const microphone = await this.#openMicrophone()
      this.#enter('connecting')
      const bearer = key?.startsWith('ek_') ? key : await mintClientSecret(key, this.#abort.signal)
      this.mark('secret')
      await this.#exchangeDescriptions(this.#openPeer(microphone), bearer)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Ends the call here and, if it was placed, at the server. */
  hangUp() {
    this.#finish('ended', 'you')
  }

  /**
   * Says something to the agent in writing.
   * @param {string} text
   */
  say(text) {
    this.#session?.say(text)
  }

  /** @param {boolean} muted */
  setMuted(muted) {
    this.muted = muted
    for (const track of this.#microphone?.getAudioTracks() ?? []) track.enabled = !muted
    this.#listener.onState()
  }

  /**
   * Notes that something has happened now; the first time counts.
   * @param {import('./timeline.js').BrowserMark} name
   */
  mark(name) {
    if (this.marks[name] !== undefined) return
    this.marks[name] = performance.now()
    this.#listener.onMark()
  }

  async #openMicrophone() {
    if (!window.isSecureContext) throw new CallProblem('insecure-context')
    if (navigator.mediaDevices === undefined || window.RTCPeerConnection === undefined) {
      throw new CallProblem('webrtc-missing')
    }
    const stream = await navigator.mediaDevices.getUserMedia({ audio: MICROPHONE }).catch((error) => {
      throw problemOfMicrophone(error)
    })
    this.#microphone = stream
    if (this.#abort.signal.aborted) this.#stopMicrophone()
    this.#abort.signal.throwIfAborted()
    this.mark('microphone')
    this.#listener.onMicrophone(stream)
    return stream
  }

  /** @param {MediaStream} microphone */
  #openPeer(microphone) {
    const peer = new RTCPeerConnection()
    this.#peer = peer
    for (const track of microphone.getAudioTracks()) {
      peer.addTrack(track, microphone)
      track.addEventListener('ended', () => this.#listener.onProblem(new CallProblem('microphone-lost')))
    }
    this.#watchPeer(peer)
    this.#session = new Session(peer.createDataChannel('oai-events'), {
      onOpen: () => this.mark('channel'),
      onEvent: (direction, event) => this.#followEvent(direction, event),
      onClose: () => this.#finish('ended', 'server'),
    })
    return peer
  }

  /**
   * @param {RTCPeerConnection} peer
   * @param {string} bearer
   */
  async #exchangeDescriptions(peer, bearer) {
    const offer = await peer.createOffer()
    await peer.setLocalDescription(offer)
    this.mark('offer')
    this.placed = await placeCall(offer.sdp ?? '', bearer, this.#abort.signal)
    this.mark('answer')
    this.path.takeHeaders(this.placed)
    this.#listener.onPath()
    this.#connectTimer = setTimeout(() => this.#fail(this.#pathNotFound()), CONNECT_LIMIT_MILLIS)
    await peer.setRemoteDescription({ type: 'answer', sdp: this.placed.answer })
  }

  /** @param {RTCPeerConnection} peer */
  #watchPeer(peer) {
    peer.addEventListener('track', ({ streams, track }) => {
      this.#listener.onAgentAudio(streams[0] ?? new MediaStream([track]))
    })
    peer.addEventListener('iceconnectionstatechange', () => {
      if (['connected', 'completed'].includes(peer.iceConnectionState)) this.mark('ice')
    })
    peer.addEventListener('connectionstatechange', () => this.#followConnection(peer.connectionState))
  }

  /** @param {RTCPeerConnectionState} connection */
  #followConnection(connection) {
    if (connection === 'connected' && this.state === 'connecting') {
      this.mark('connected')
      this.#enter('connected')
      clearTimeout(this.#connectTimer)
      this.#statsTimer = setInterval(() => void this.#readStats(), STATS_INTERVAL_MILLIS)
    } else if (connection === 'connected' || connection === 'disconnected') {
      this.interrupted = connection === 'disconnected'
      this.#listener.onState()
    } else if (connection === 'failed') {
      this.#fail(this.state === 'connected' ? new CallProblem('call-lost') : this.#pathNotFound())
    }
  }

  /**
   * @param {'sent' | 'received'} direction
   * @param {import('./session.js').RealtimeEvent} event
   */
  #followEvent(direction, event) {
    this.#listener.onEvent(direction, event)
    if (event.type !== 'firsthop.path' || direction === 'sent') return
    this.path.takeEvent(event)
    this.#listener.onPath()
  }

  async #readStats() {
    const report = await this.#peer?.getStats()
    if (report === undefined || this.state !== 'connected') return
    this.#listener.onStats(readStats(/** @type {any} */ (report).values()))
  }

  #pathNotFound() {
    return new CallProblem('path-not-found', { addresses: candidateAddresses(this.placed?.answer ?? '') })
  }

  /** @param {unknown} error */
  #fail(error) {
    if (this.#abort.signal.aborted) return
    const problem =
      error instanceof CallProblem ? error : new CallProblem('answer-unusable', { message: String(error) })
    this.#finish('failed', undefined)
    this.#listener.onProblem(problem)
  }

  /**
   * @param {'ended' | 'failed'} state
   * @param {'you' | 'server' | undefined} endedBy
   */
  #finish(state, endedBy) {
    if (this.#abort.signal.aborted) return
    this.#abort.abort()
    clearTimeout(this.#connectTimer)
    clearInterval(this.#statsTimer)
    this.#session?.stop()
    this.#stopMicrophone()
    this.#peer?.close()
    if (this.placed !== undefined && endedBy !== 'server') void hangUpCall(this.placed)
    this.endedBy = endedBy
    this.interrupted = false
    this.#enter(state)
  }

  #stopMicrophone() {
    for (const track of this.#microphone?.getTracks() ?? []) track.stop()
  }

  /** @param {CallState} state */
  #enter(state) {
    this.state = state
    this.#listener.onState()
  }
}

/**
 * Reads the addresses that an answer offers, as `192.0.2.1:3478 udp` (candidate lines, RFC 8839 section 5.1).
 * @param {string} sdp
 */
export function candidateAddresses(sdp) {
  const lines = sdp.matchAll(/^a=candidate:\S+ \d+ (\S+) \d+ (\S+) (\d+)/gm)
  return [
    ...new Set(
      [...lines].map(([, transport = '', address, port]) => `${address}:${port} ${transport.toLowerCase()}`),
    ),
  ]
}

/** The agent's own voice must not come back to it: the browser cancels the echo. */
const MICROPHONE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true }

const CONNECT_LIMIT_MILLIS = 15_000
const STATS_INTERVAL_MILLIS = 1000
