/** A third party's Realtime server, played by a test: a real WebSocket server that does only what it is told. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type {
  RealtimeClientEvent,
  RealtimeServerEvent,
  RealtimeSession,
} from 'openai/resources/realtime/realtime'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import { until } from './until.ts'

/** How a server greets those who connect. */
export interface ScriptedOptions {
  /** Sends `session.created` by itself; without it the test does. */
  readonly opensSessions?: boolean
  /** Answers `session.update` by itself. */
  readonly updatesSessions?: boolean
  /** The subprotocol chosen among those that are offered. */
  readonly subprotocol?: string
  /** HTTP statuses for the first handshakes; 101 lets one through. */
  readonly statuses?: number[]
  /** Is told of every conversation, before its first event. */
  readonly onConversation?: (conversation: ScriptedConversation) => void
}

/** One connection to a scripted backend. */
export class ScriptedConversation {
  readonly request: IncomingMessage
  /** Every message so far: events as text, audio as bytes. */
  readonly texts: string[] = []
  readonly frames: Buffer[] = []
  readonly socket: WebSocket
  closeCode: number | undefined
  onEvent: (event: RealtimeClientEvent) => void = () => {}

  constructor(socket: WebSocket, request: IncomingMessage) {
    this.socket = socket
    this.request = request
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) return void this.frames.push(data)
      this.texts.push(data.toString())
      this.onEvent(JSON.parse(data.toString()) as RealtimeClientEvent)
    })
    socket.on('close', (code) => (this.closeCode = code))
    socket.on('error', () => undefined)
  }

  /** The events so far, without the microphone's. */
  get events(): RealtimeClientEvent[] {
    return this.texts
      .map((text) => JSON.parse(text) as RealtimeClientEvent)
      .filter(({ type }) => type !== 'input_audio_buffer.append')
  }

  /** What the microphone has brought, joined. */
  get audio(): Buffer {
    const events = this.texts.map((text) => JSON.parse(text) as RealtimeClientEvent)
    return Buffer.concat(
      events.flatMap((event) =>
        event.type === 'input_audio_buffer.append' ? [Buffer.from(event.audio, 'base64')] : [],
      ),
    )
  }

  /** Sends events in the shape that the `openai` package gives them. */
  say(...events: readonly RealtimeServerEvent[]): void {
    for (const event of events) this.socket.send(JSON.stringify(event))
  }

  /** Waits for an event of a type. */
  untilEvent<TType extends RealtimeClientEvent['type']>(
    type: TType,
  ): Promise<Extract<RealtimeClientEvent, { type: TType }>> {
    return until(() => {
      const found = this.events.find((event) => event.type === type)
      if (found === undefined)
        throw new Error(`no ${type} among ${this.events.map((e) => e.type).join(', ')}`)
      return found as Extract<RealtimeClientEvent, { type: TType }>
    })
  }
}

/** A running server. */
export class ScriptedBackend {
  readonly conversations: ScriptedConversation[] = []
  /** Handshakes seen, those refused included. */
  handshakes = 0
  readonly #http: Server
  readonly #sockets: WebSocketServer
  readonly #options: ScriptedOptions

  private constructor(options: ScriptedOptions) {
    this.#options = options
    this.#http = createServer()
    this.#sockets = new WebSocketServer({
      noServer: true,
      handleProtocols: (offered) =>
        options.subprotocol !== undefined && offered.has(options.subprotocol) && options.subprotocol,
    })
    this.#http.on('upgrade', (request, socket, head) => {
      this.handshakes++
      const status = options.statuses?.shift() ?? 101
      if (status !== 101) return void socket.end(`HTTP/1.1 ${status} Refused\r\nContent-Length: 0\r\n\r\n`)
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => this.#open(webSocket, request))
    })
  }

  /** Starts a server on a free port of the loopback. */
  static async start(options: ScriptedOptions = {}): Promise<ScriptedBackend> {
    const backend = new ScriptedBackend(options)
    backend.#http.listen(0, '127.0.0.1')
    await once(backend.#http, 'listening')
    return backend
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}/v1/realtime`
  }

  /** Waits for the `index`th connection. */
  conversation(index = 0): Promise<ScriptedConversation> {
    return until(() => {
      const found = this.conversations[index]
      if (found === undefined) throw new Error(`only ${this.conversations.length} connections`)
      return found
    })
  }

  async close(): Promise<void> {
    for (const client of this.#sockets.clients) client.terminate()
    this.#sockets.close()
    this.#http.close()
    this.#http.closeAllConnections()
    await once(this.#http, 'close')
  }

  #open(webSocket: WebSocket, request: IncomingMessage): void {
    const conversation = new ScriptedConversation(webSocket, request)
    const { opensSessions = true, updatesSessions = true } = this.#options
    this.conversations.push(conversation)
    this.#options.onConversation?.(conversation)
    if (opensSessions) conversation.say(sessionEvent('session.created', {}))
    webSocket.on('message', (data: Buffer, isBinary) => {
      if (isBinary || !updatesSessions) return
      const event = JSON.parse(data.toString()) as RealtimeClientEvent
      if (event.type === 'session.update') conversation.say(sessionEvent('session.updated', event.session))
    })
  }
}

/** `session.created` or `session.updated`. */
export function sessionEvent(
  type: 'session.created' | 'session.updated',
  session: object,
): RealtimeServerEvent {
  const whole = { type: 'realtime', object: 'realtime.session', id: 'sess_1', ...session } as RealtimeSession
  return { type, event_id: `event_${type}`, session: whole } as RealtimeServerEvent
}
