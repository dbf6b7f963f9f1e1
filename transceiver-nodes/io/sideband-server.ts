/**
 * The WebSockets of sidebands, on the control endpoint's port: docs/control.md.
 *
 * An upgrade is signed like every control request. Nothing is kept for a sideband that does not read: one whose
 * backlog passes the limit is closed.
 */

import { STATUS_CODES } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import {
  callIdOfSidebandPath,
  MAX_SIDEBAND_BACKLOG_BYTES,
  MAX_SIDEBAND_MESSAGE_BYTES,
  SIDEBAND_CLOSE,
} from '#shared/control/sideband'
import type { SidebandFault } from '#shared/control/sideband'
import type { SignatureFault, SignatureVerifier } from '#shared/control/signature'
import { epochNow } from '#shared/platform/clock'
import type { Log } from '#shared/platform/log'
import type { Listener } from '../core/audience.ts'
import type { Media } from './media.ts'

/** What sidebands are served with. */
export interface SidebandServerOptions {
  /** This node's id, for which upgrades are signed. */
  readonly node: string
  readonly verifier: SignatureVerifier
  readonly media: Pick<Media, 'attach'>
  /** Writes a refusal as the control endpoint writes its own. */
  readonly refuse: (fault: SidebandUpgradeFault) => { readonly status: number; readonly body?: object }
  readonly log: Log
}

/** Why an upgrade is refused. */
export type SidebandUpgradeFault = SidebandFault | SignatureFault | 'request-malformed'

/** Serves sidebands on `server`; returns what closes them all. */
export function serveSidebands(server: Server, options: SidebandServerOptions): () => void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_SIDEBAND_MESSAGE_BYTES })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    upgrade({ request, socket, head }, sockets, options).catch((error: Error) => {
      options.log.error('A sideband failed', { error })
      socket.destroy()
    })
  })
  return () => {
    for (const webSocket of sockets.clients) {
      webSocket.close(SIDEBAND_CLOSE.ended, 'shut-down')
      setTimeout(() => webSocket.terminate(), CLOSE_WAIT).unref()
    }
  }
}

interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
}

/** The call takes the sideband before the upgrade is answered, so that a refusal is one of HTTP's. */
async function upgrade(
  { request, socket, head }: Upgrade,
  sockets: WebSocketServer,
  options: SidebandServerOptions,
): Promise<void> {
  const callId = authorize(request, options)
  if (typeof callId !== 'string') return writeRefusal(socket, options.refuse(callId.fault))
  const listener = new SocketListener()
  const sideband = await options.media.attach(callId, listener)
  if (typeof sideband === 'string') return writeRefusal(socket, options.refuse(sideband))
  if (socket.destroyed) return sideband.close()
  sockets.handleUpgrade(request, socket, head, (webSocket) => {
    webSocket.on('close', () => sideband.close())
    // Its close event follows.
    webSocket.on('error', () => webSocket.terminate())
    webSocket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) webSocket.close(SIDEBAND_CLOSE.notText, 'not-text')
      else sideband.send(data.toString())
    })
    listener.open(webSocket)
  })
}

/** What a call says goes to the WebSocket, and waits for it to be there. */
class SocketListener implements Listener {
  #webSocket: WebSocket | undefined
  #early: ((webSocket: WebSocket) => void)[] = []

  handleEvent(text: string): void {
    this.#act((webSocket) => sendBounded(webSocket, text))
  }

  handleEnd(reason: string): void {
    this.#act((webSocket) => webSocket.close(SIDEBAND_CLOSE.ended, reason))
  }

  /** Passes on what has come, and all that comes. */
  open(webSocket: WebSocket): void {
    this.#webSocket = webSocket
    for (const act of this.#early) act(webSocket)
    this.#early = []
  }

  #act(act: (webSocket: WebSocket) => void): void {
    if (this.#webSocket === undefined) this.#early.push(act)
    else act(this.#webSocket)
  }
}

function authorize(
  request: IncomingMessage,
  { node, verifier }: SidebandServerOptions,
): string | { readonly fault: SidebandUpgradeFault } {
  const { url: path = '', method = '', headers } = request
  const subject = { node, method, path, body: NO_BODY, authorization: headers.authorization }
  const fault = verifier.verify(subject, epochNow())
  if (fault !== undefined) return { fault }
  return callIdOfSidebandPath(path) ?? { fault: 'request-malformed' }
}

function sendBounded(webSocket: WebSocket, text: string): void {
  if (webSocket.readyState !== webSocket.OPEN) return
  if (webSocket.bufferedAmount > MAX_SIDEBAND_BACKLOG_BYTES) webSocket.close(SIDEBAND_CLOSE.slow, 'too-slow')
  else webSocket.send(text)
}

function writeRefusal(socket: Duplex, { status, body }: { readonly status: number; readonly body?: object }) {
  const text = JSON.stringify(body ?? {})
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\n`
  socket.end(`${head}Content-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`)
}

const NO_BODY = new Uint8Array()

/** How long a peer may take to answer a close frame when the node stops. */
const CLOSE_WAIT = 1_000
