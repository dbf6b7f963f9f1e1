/**
 * Upstash's REST protocol in front of an engine: https://upstash.com/docs/redis/features/restapi.
 *
 * `POST /` takes one command, `/pipeline` several, `/multi-exec` several as one transaction. Left out: commands in
 * the path, `/subscribe` and `/monitor`, and the RESP2 response format.
 */

import { createServer } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import { isCommandError } from './engine.ts'
import type { Command, Engine, Reply } from './engine.ts'

export interface RestServerOptions {
  readonly engine: Engine
  /** The one token that is let in. */
  readonly token: string
}

/** Makes the server; the caller lets it listen, and closes it. */
export function createRestServer({ engine, token }: RestServerOptions): Server {
  let syncToken = 0
  return createServer((request, response) => {
    void answer(request, engine, token).then(({ status, body }) => {
      response.writeHead(status, {
        'content-type': 'application/json',
        'upstash-sync-token': String(++syncToken),
      })
      response.end(JSON.stringify(body))
    })
  })
}

async function answer(request: IncomingMessage, engine: Engine, token: string): Promise<Answer> {
  if (request.headers.authorization !== `Bearer ${token}`)
    return refuse(401, 'WRONGPASS invalid or missing auth token')
  if (request.method !== 'POST') return refuse(405, 'ERR method not allowed')
  const text = await readBody(request)
  if (text === undefined) return refuse(413, `ERR max request size exceeded. Limit: ${MAX_BODY_BYTES} bytes`)
  const encode = request.headers['upstash-encoding'] === 'base64' ? encodeBase64 : encodePlain
  switch (request.url) {
    case '/':
      return answerCommand(parseCommand(parseJson(text)), engine, encode)
    case '/pipeline':
      return answerPipeline(parseCommands(text), engine, encode)
    case '/multi-exec':
      return answerTransaction(parseCommands(text), engine, encode)
    default:
      return refuse(404, 'ERR not found')
  }
}

async function answerCommand(command: Command | undefined, engine: Engine, encode: Encode): Promise<Answer> {
  if (!command) return MALFORMED
  const [reply = null] = await engine.execute([command])
  return { status: isCommandError(reply) ? 400 : 200, body: wrap(reply, encode) }
}

async function answerPipeline(
  commands: Command[] | undefined,
  engine: Engine,
  encode: Encode,
): Promise<Answer> {
  if (!commands) return MALFORMED
  const replies = await engine.execute(commands)
  return { status: 200, body: replies.map((reply) => wrap(reply, encode)) }
}

async function answerTransaction(
  commands: Command[] | undefined,
  engine: Engine,
  encode: Encode,
): Promise<Answer> {
  if (!commands) return MALFORMED
  const replies = await engine.transact(commands)
  if (isCommandError(replies)) return refuse(400, replies.error)
  return { status: 200, body: replies.map((reply) => wrap(reply, encode)) }
}

/** Resolves to `undefined` when the body is too large; what follows the limit is read and dropped. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= MAX_BODY_BYTES) chunks.push(chunk)
  }
  return size <= MAX_BODY_BYTES ? Buffer.concat(chunks).toString() : undefined
}

function parseCommands(text: string): Command[] | undefined {
  const list = parseJson(text)
  if (!Array.isArray(list) || list.length === 0) return undefined
  const commands = list.map(parseCommand)
  return commands.every((command) => command !== undefined) ? commands : undefined
}

function parseCommand(value: unknown): Command | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined
  return value.map((arg) => (typeof arg === 'string' ? arg : JSON.stringify(arg))) as unknown as Command
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

type Encode = (text: string) => string

const encodePlain: Encode = (text) => text
const encodeBase64: Encode = (text) => Buffer.from(text).toString('base64')

/** The status OK is never encoded; inside an array the same two letters are a value. */
function wrap(reply: Reply, encode: Encode): object {
  return isCommandError(reply) ? reply : { result: reply === 'OK' ? reply : encodeReply(reply, encode) }
}

function encodeReply(reply: Reply, encode: Encode): unknown {
  if (typeof reply === 'string') return encode(reply)
  return Array.isArray(reply) ? reply.map((item: Reply) => encodeReply(item, encode)) : reply
}

interface Answer {
  readonly status: number
  readonly body: unknown
}

function refuse(status: number, error: string): Answer {
  return { status, body: { error } }
}

const MALFORMED = refuse(400, 'ERR failed to parse the command')

/** Upstash's limit for one request on its smallest plan. */
const MAX_BODY_BYTES = 10 * 1024 * 1024
