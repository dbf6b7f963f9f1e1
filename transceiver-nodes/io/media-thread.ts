/**
 * The entry of a media thread: docs/transceiver.md, "Threads".
 *
 * It starts as a spare, with everything loaded, and waits for `serve`. When something throws where nothing should,
 * whatever state is left cannot be trusted with calls: it says goodbye to every client and ends.
 */

import { once } from 'node:events'
import { parentPort } from 'node:worker_threads'
import { openLog } from '#shared/platform/log'
import { readConfig } from '../config.ts'
import { openBackend } from '../backends/open-backend.ts'
import { startMediaEngine } from './media-engine.ts'
import type { MediaEngine } from './media-engine.ts'
import type { MediaCommands } from './media-commands.ts'
import type { MessageFromMedia, MessageToMedia, ServeMessage } from './media-messages.ts'

if (parentPort === null) throw new Error('a media thread is started by media-threads.ts')
const port = parentPort
const config = readConfig(process.env)
let engine: MediaEngine | undefined

process.on('uncaughtException', (error) => {
  try {
    engine?.endAll('thread-failed')
  } finally {
    post({ type: 'dying', error: error.stack ?? String(error) })
    process.exit(1)
  }
})
post({ type: 'spare' })
const [first] = (await once(port, 'message')) as [MessageToMedia]
if (first.type === 'serve') {
  const started = await serve(first)
  engine = started
  port.on('message', (message: MessageToMedia) => handleMessage(started, message))
}

function serve({ index, capacity, certificate, socket, goodbyes }: ServeMessage): Promise<MediaEngine> {
  return startMediaEngine({
    config,
    index,
    capacity,
    certificate,
    backend: openBackend(config.backend),
    socket,
    goodbyes,
    refreshFleet: () => post({ type: 'refresh-fleet' }),
    onSideband: post,
    log: openLog({ level: config.logLevel, fields: { node: config.nodeId, thread: index } }),
  })
}

function handleMessage(commands: MediaCommands, message: MessageToMedia): void {
  if (message.type === 'crash') throw new Error('a crash was asked for')
  if (message.type === 'hang') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  if (message.type === 'exhaust') exhaust()
  if (message.type !== 'command') return
  const { id, name, argument } = message
  try {
    post({ type: 'answer', id, value: commands[name](argument as never) })
  } catch (error) {
    post({ type: 'failure', id, message: (error as Error).stack ?? String(error) })
  }
}

function exhaust(): never {
  for (const kept: number[][] = []; ;) kept.push(Array.from({ length: 1_000_000 }, () => 0))
}

function post(message: MessageFromMedia): void {
  port.postMessage(message)
}
