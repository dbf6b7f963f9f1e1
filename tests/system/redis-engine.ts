/**
 * A real redis-server as an engine of the local store's front: the reference of the conformance suite.
 *
 * Speaks RESP2 over one socket, in order; a transaction is written back to back, so nothing comes between.
 */

import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Command, CommandError, Engine, Reply } from '../../scripts/local-store/engine.ts'

export class RedisEngine implements Engine {
  readonly #socket: Socket
  readonly #waiting: ((reply: Reply) => void)[] = []
  #received: Buffer = Buffer.alloc(0)

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('data', (chunk) => this.#handleData(chunk as Buffer))
  }

  execute(commands: readonly Command[]): Promise<Reply[]> {
    return Promise.all(commands.map((command) => this.#send(command)))
  }

  async transact(commands: readonly Command[]): Promise<Reply[] | CommandError> {
    const replies = await this.execute([['MULTI'], ...commands, ['EXEC']])
    return replies.at(-1) as Reply[] | CommandError
  }

  close(): void {
    this.#socket.destroy()
  }

  #send(command: Command): Promise<Reply> {
    const args = command.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`)
    this.#socket.write(`*${command.length}\r\n${args.join('')}`)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #handleData(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk])
    for (;;) {
      const parsed = parseReply(this.#received, 0)
      if (!parsed) return
      this.#received = this.#received.subarray(parsed.end)
      this.#waiting.shift()?.(parsed.reply)
    }
  }
}

interface Parsed {
  readonly reply: Reply
  readonly end: number
}

/** Parses the reply at `at`; `undefined` while a part of it is missing. */
function parseReply(data: Buffer, at: number): Parsed | undefined {
  const lineEnd = data.indexOf('\r\n', at)
  if (lineEnd < 0) return undefined
  const line = data.toString('utf8', at + 1, lineEnd)
  const end = lineEnd + 2
  switch (String.fromCharCode(data[at]!)) {
    case '+':
      return { reply: line, end }
    case '-':
      return { reply: { error: line }, end }
    case ':':
      return { reply: Number(line), end }
    case '$':
      return parseBulk(data, Number(line), end)
    case '*':
      return parseArray(data, Number(line), end)
    default:
      throw new Error(`Not a RESP2 reply: ${line}`)
  }
}

function parseBulk(data: Buffer, length: number, start: number): Parsed | undefined {
  if (length < 0) return { reply: null, end: start }
  const end = start + length + 2
  return data.length < end ? undefined : { reply: data.toString('utf8', start, end - 2), end }
}

function parseArray(data: Buffer, length: number, start: number): Parsed | undefined {
  const items: Reply[] = []
  let end = start
  while (items.length < length) {
    const item = parseReply(data, end)
    if (!item) return undefined
    items.push(item.reply)
    end = item.end
  }
  return { reply: length < 0 ? null : items, end }
}
