/** Who is measured, each as a process of its own with clients of its own, and what one of them costs. */

import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { RTP_HEADER_BYTES } from '#shared/packet/rtp'
import { freePorts } from '../../scripts/start/free-ports.ts'
import { UdpClients } from '../client/udp-clients.ts'
import { LineProcess } from '../relay/line-process.ts'
import type { EchoFormat } from './echo-backend.ts'
import type { Refusal, ServerReport } from './line-server.ts'
import { LinkClients } from './link-clients.ts'

/** A server at work, and those who call it. */
export interface Contender {
  /** Places a call and connects it; it is silent until `talk`. */
  call(): Promise<number>
  /** Has a client talk: 50 packets a second. */
  talk(id: number): void
  /** Has every client be silent. */
  hush(): void
  /** Ends a call from the client's side; a reference's clients stay. */
  hangUp(id: number): void
  /** Audio packets that clients have sent, and those that came back. */
  readonly sent: number
  readonly echoed: number
  report(): Promise<ServerReport>
  /** Has the server collect garbage, and end every call. */
  collect(): Promise<void>
  endAll(): Promise<void>
  close(): Promise<void>
}

/** Starts a media engine whose backend echoes; its clients stand behind a relay that is not there. */
export async function startEngine(
  format: EchoFormat,
  speech: readonly Uint8Array[],
  framesPerDatagram: number,
): Promise<Contender> {
  const [serverPort = 0, relayPort = 0] = await freePorts(2)
  const server = await startServer('engine-server.ts', String(serverPort), String(relayPort), format)
  const bind = { address: '127.0.0.1', port: relayPort }
  const clients = new LinkClients({ bind, server: { ...bind, port: serverPort }, speech, framesPerDatagram })
  return {
    ...commandsOf(server),
    call: () => clients.call((offer) => place(server, offer)),
    talk: (id) => clients.talk(id),
    hush: () => clients.hush(),
    hangUp: (id) => clients.hangUp(id),
    get sent() {
      return clients.sent
    },
    get echoed() {
      return clients.echoed
    },
    close: () => {
      clients.close()
      return server.end()
    },
  }
}

/** Starts another WebRTC server as an echo; its clients come by UDP. */
export async function startReference(
  name: 'werift' | 'libdatachannel',
  speech: Uint8Array,
): Promise<Contender> {
  const server = await startServer(`${name}-server.ts`)
  let echoed = 0
  const onAudio = (_client: number, _now: number, bytes: number) => {
    if (bytes === RTP_HEADER_BYTES + speech.length) echoed++
  }
  const clients = new UdpClients(onAudio, { speech, nominates: true, waits: true, bind: '0.0.0.0' })
  return {
    ...commandsOf(server),
    call: () => clients.call((offer) => place(server, offer)),
    talk: (id) => clients.talk(id),
    hush: () => clients.hush(),
    hangUp: () => {},
    get sent() {
      return clients.sent
    },
    get echoed() {
      return echoed
    },
    close: () => {
      clients.close()
      return server.end()
    },
  }
}

/** A server that takes no further call; the message is its reason. */
export class CallRefused extends Error {}

/** What audio costs a server. */
export interface PacketCost {
  /** Of CPU, for each packet, in and out. */
  readonly microsPerPacket: number
  /** Of CPU, for each 20 ms of a session: a packet in and a packet out. */
  readonly microsPerFrame: number
  /** How much of what was said came back. */
  readonly echoedShare: number
}

/** CPU microseconds of the server for each packet, in and out, while `sessions` echo for `millis`, warm by then. */
export async function measurePackets(
  contender: Contender,
  sessions: number,
  warmMillis: number,
  millis: number,
): Promise<PacketCost> {
  for (let i = 0; i < sessions; i++) contender.talk(await contender.call())
  await sleep(warmMillis)
  const [before, sent, echoed] = [await contender.report(), contender.sent, contender.echoed]
  await sleep(millis)
  const [after, sentAfter, echoedAfter] = [await contender.report(), contender.sent, contender.echoed]
  const packets = sentAfter - sent + (echoedAfter - echoed)
  const micros = after.cpuMicros - before.cpuMicros
  return {
    microsPerPacket: micros / packets,
    microsPerFrame: micros / (sentAfter - sent),
    echoedShare: (echoedAfter - echoed) / (sentAfter - sent),
  }
}

/** CPU milliseconds of the server for each call that is placed, connected and ended again, once warm. */
export async function measureHandshakes(contender: Contender, calls: number): Promise<number> {
  await callAndEnd(contender, WARM_CALLS)
  const before = await contender.report()
  await callAndEnd(contender, calls)
  const after = await contender.report()
  return (after.cpuMicros - before.cpuMicros) / 1_000 / calls
}

/**
 * Kilobytes of resident memory for each of `sessions` that have talked, beyond what as many as `first` take: by then
 * code and heaps have grown to what a server at work needs, and what is freed and free is in use.
 */
export async function measureMemory(contender: Contender, first: number, sessions: number): Promise<number> {
  const before = await residentWith(contender, first)
  return ((await residentWith(contender, sessions)) - before) / sessions / 1_024
}

/** What is resident with so many sessions more; a few talk at a time, as all of them would not fit a core of each server. */
async function residentWith(contender: Contender, sessions: number): Promise<number> {
  for (let made = 0; made < sessions; made += TALKERS) {
    for (let i = 0; i < Math.min(TALKERS, sessions - made); i++) contender.talk(await contender.call())
    await sleep(TALK_MILLIS)
    contender.hush()
  }
  await sleep(SETTLE_MILLIS)
  await contender.collect()
  return (await contender.report()).rssBytes
}

async function callAndEnd(contender: Contender, calls: number): Promise<void> {
  for (let i = 0; i < calls; i++) {
    await contender.call()
    await contender.endAll()
  }
}

async function place(server: LineProcess, offer: string): Promise<string> {
  const placed = JSON.parse(await server.ask(`place ${JSON.stringify(offer)}`)) as string | Refusal
  if (typeof placed !== 'string') throw new CallRefused(placed.refused)
  return placed
}

function commandsOf(server: LineProcess): Pick<Contender, 'report' | 'collect' | 'endAll'> {
  return {
    report: async () => JSON.parse(await server.ask('report')) as ServerReport,
    collect: async () => void (await server.ask('collect')),
    endAll: async () => void (await server.ask('end-all')),
  }
}

function startServer(file: string, ...options: string[]): Promise<LineProcess> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  return LineProcess.start([process.execPath, '--expose-gc', ...YOUNG_HEAP, path, ...options])
}

/** Of its full size (the default) from the beginning, so that its growth is not taken for that of sessions. */
const YOUNG_HEAP = ['--min-semi-space-size=16', '--max-semi-space-size=16']
const TALKERS = 20
const TALK_MILLIS = 1_000
/** What was said has been echoed by then. */
const SETTLE_MILLIS = 3_000
/** Compilers have done most of what they will by then. */
const WARM_CALLS = 300
