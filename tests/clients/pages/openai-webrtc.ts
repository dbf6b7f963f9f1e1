/** A page of an application built on `openai/realtime/webrtc`: the application exchanges the SDP, the library does the rest. */

import { OpenAIRealtimeWebRTC } from 'openai/realtime/webrtc'
import type { ConnectingPage } from '../client-page.ts'

/** What the test sees of the connection. */
export interface WebRtcView {
  readonly state: string
  readonly types: readonly string[]
  readonly errors: readonly string[]
  /** What the assistant has said, response after response. */
  readonly transcripts: readonly string[]
}

/** What the test can do. */
export interface WebRtcPage extends ConnectingPage<WebRtcView> {
  send(event: object): void
}

const types: string[] = []
const errors: string[] = []
const connection = new OpenAIRealtimeWebRTC()
const transcripts: string[] = []

const client: WebRtcPage = {
  async connect(callsUrl, apiKey, isSilent) {
    const microphone = isSilent
      ? new AudioContext().createMediaStreamDestination().stream
      : await navigator.mediaDevices.getUserMedia({ audio: true })
    for (const track of microphone.getTracks()) connection.peerConnection.addTrack(track, microphone)
    connection.onEvent(({ type }) => types.push(type))
    connection.on('response.output_audio_transcript.done', (event) => transcripts.push(event.transcript))
    connection.on('error', ({ error }) => errors.push(error.message))
    await connection.connect({
      exchangeSdp: async (offer, { signal }) => {
        const headers = { 'Content-Type': 'application/sdp', Authorization: `Bearer ${apiKey}` }
        const answer = await fetch(callsUrl, { method: 'POST', headers, body: offer, signal })
        if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`)
        return answer.text()
      },
    })
  },
  send: (event) => connection.send(event as Parameters<typeof connection.send>[0]),
  close: () => connection.close(),
  view: () => ({ state: connection.state, types, errors, transcripts }),
}

Object.assign(window, { client })
