/**
 * A page of an application built on `@openai/agents-realtime`, as its guide says: an agent with one tool, a session
 * over WebRTC. The library is its unmodified browser bundle, found through the page's import map.
 */

import { OpenAIRealtimeWebRTC, RealtimeAgent, RealtimeSession, tool } from '@openai/agents-realtime'
import type { ConnectingPage } from '../client-page.ts'

/** What the test sees of the session. */
export interface AgentsView {
  readonly status: string
  /** The call's id, as the library has read it from the answer's Location. */
  readonly callId: string | undefined
  /** Types of the server events, in order. */
  readonly types: readonly string[]
  /** What the library has made of them: its own events, by name. */
  readonly told: readonly string[]
  readonly errors: readonly string[]
  readonly history: readonly unknown[]
  /** Arguments that the tool was called with. */
  readonly toolCalls: readonly unknown[]
  /** What the assistant has said, response after response. */
  readonly transcripts: readonly string[]
}

/** What the test can do. */
export interface AgentsPage extends ConnectingPage<AgentsView> {
  say(text: string): void
  interrupt(): void
}

const types: string[] = []
const told: string[] = []
const errors: string[] = []
const toolCalls: unknown[] = []
const transcripts: string[] = []
let transport: OpenAIRealtimeWebRTC | undefined
let session: RealtimeSession | undefined

const parameters = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
} as const

const agent = new RealtimeAgent({
  name: 'Forecaster',
  instructions: 'Answer questions about the weather.',
  tools: [
    tool({
      name: 'get_weather',
      description: 'Tells the weather of a city',
      parameters: { ...parameters, required: [...parameters.required] },
      strict: true,
      execute: (input) => {
        toolCalls.push(input)
        return 'eleven degrees and rain'
      },
    }),
  ],
})

const client: AgentsPage = {
  async connect(callsUrl, apiKey, isSilent) {
    const silence = isSilent ? { mediaStream: new AudioContext().createMediaStreamDestination().stream } : {}
    transport = new OpenAIRealtimeWebRTC({ baseUrl: callsUrl, ...silence })
    session = new RealtimeSession(agent, { transport })
    session.on('error', ({ error }) => errors.push(describe(error)))
    session.on('audio_interrupted', () => told.push('audio_interrupted'))
    session.on('agent_tool_end', () => told.push('agent_tool_end'))
    session.on('history_updated', () => told.push('history_updated'))
    transport.on('*', (event) => {
      types.push(event.type)
      if (event.type === 'response.output_audio_transcript.done')
        transcripts.push(String(event['transcript']))
    })
    await session.connect({ apiKey })
  },
  say: (text) => session?.sendMessage(text),
  interrupt: () => session?.interrupt(),
  close: () => session?.close(),
  view: () => ({
    status: transport?.status ?? 'none',
    callId: transport?.callId,
    types,
    told,
    errors,
    history: session?.history ?? [],
    toolCalls,
    transcripts,
  }),
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : JSON.stringify(error)
}

addEventListener('unhandledrejection', ({ reason }) => errors.push(describe(reason)))
Object.assign(window, { client })
