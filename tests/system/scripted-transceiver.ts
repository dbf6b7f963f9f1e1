/**
 * A transceiver's control port without a transceiver behind it: it checks signatures as the real one does, keeps
 * what it was asked, and answers as the test says.
 */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignatureVerifier } from '#shared/control/signature'
import { epochNow } from '#shared/platform/clock'
import { aesBlockCipher, hmacSha256, sha256 } from '#shared/platform/crypto'
import { epochSecondsOf } from '#shared/time'
import { RouteKeyRing, callIdOf, minutesOf, mintUfrag } from '#shared/ufrag/route'
import { CONTROL_KEY, ROUTE_KEY } from '../worker-bindings.ts'

export interface ControlRequest {
  readonly path: string
  readonly body: Record<string, unknown>
}

export interface ControlAnswer {
  readonly status: number
  readonly body?: unknown
}

/** Answers a request whose signature is good; `never` leaves it without an answer. */
export type ControlScript = (request: ControlRequest) => ControlAnswer | 'never'

export class ScriptedTransceiver {
  readonly requests: ControlRequest[] = []
  readonly signatureFaults: string[] = []
  readonly id: string
  readonly number: number
  script: ControlScript
  readonly #server: Server
  readonly #verifier = new SignatureVerifier({ mac: hmacSha256(CONTROL_KEY), sha256 })

  /** `number` is the transceiver's place in routing ufrags. */
  static async start(id: string, number: number): Promise<ScriptedTransceiver> {
    const transceiver = new ScriptedTransceiver(id, number)
    transceiver.#server.listen(0, '127.0.0.1')
    await once(transceiver.#server, 'listening')
    return transceiver
  }

  private constructor(id: string, number: number) {
    this.id = id
    this.number = number
    this.script = this.takeCall
    this.#server = createServer((request, response) => void this.#handle(request, response))
  }

  get controlUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** What a transceiver with room does: it takes every call and ends every call. */
  readonly takeCall: ControlScript = ({ path }) => {
    if (path.endsWith('/hangup')) return { status: 204 }
    const callId = mintCallId(this.number, epochNow() + 3_600)
    const node = { id: this.id, region: 'eu-west' }
    return { status: 201, body: { callId, answer: 'v=0\r\n', node, placeMillis: 1.5 } }
  }

  forget(): void {
    this.requests.length = 0
    this.signatureFaults.length = 0
    this.script = this.takeCall
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Uint8Array[] = []
    for await (const chunk of request) chunks.push(chunk as Uint8Array)
    const body = Buffer.concat(chunks)
    const { method = '', url: path = '', headers } = request
    const subject = { node: this.id, method, path, body, authorization: headers.authorization }
    const fault = this.#verifier.verify(subject, epochNow())
    if (fault !== undefined) {
      this.signatureFaults.push(fault)
      response.writeHead(401).end()
      return
    }
    const asked = { path, body: JSON.parse(String(body)) as Record<string, unknown> }
    this.requests.push(asked)
    const answer = this.script(asked)
    if (answer === 'never') return
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body))
  }
}

/** Mints the id of a call at the transceiver `number` of cluster 1, good until `expiresAt`. */
export function mintCallId(number: number, expiresAt: number): string {
  const ring = new RouteKeyRing([{ id: 0, cipher: aesBlockCipher(ROUTE_KEY) }], 0)
  const expiryMinutes = minutesOf(epochSecondsOf(expiresAt))
  return callIdOf(mintUfrag({ cluster: 1, transceiver: number, session: 7, expiryMinutes, flags: 0 }, ring))
}
