/**
 * Carries an attack out, on a thread of its own: so many packets, so many a second, and then a while of listening
 * for what comes back.
 *
 * On Linux the sources are addresses all over 127.0.0.0/8, which belong to every machine; elsewhere there is one
 * address, and they are ports.
 */

import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import type { Endpoint } from '#shared/endpoint'
import type { Attack } from './attacks.ts'

/** What the thread is started with. */
export interface FloodOrder {
  readonly attack: Attack
  readonly to: Endpoint
  readonly packets: number
  readonly perSecond: number
}

/** What it says at the end. */
export interface FloodReport {
  readonly sent: number
  readonly sentBytes: number
  /** What came back, on every socket together. */
  readonly receivedBytes: number
}

/** How long it listens at the end, and how many packets leave at once at most. */
const LISTEN_MILLIS = 300
const MAX_BURST = 256

const { attack, to, packets, perSecond } = workerData as FloodOrder
let sent = 0
let sentBytes = 0
let receivedBytes = 0

await (attack.target === 'tcp' ? floodConnections() : floodDatagrams())
parentPort?.postMessage({ sent, sentBytes, receivedBytes } satisfies FloodReport, [])

async function floodDatagrams(): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: attack.sources }, (_, i) => openSocket(sourceOf(i))))
  await pace((index) => {
    const packet = packetOf(index)
    sockets[index % sockets.length]?.send(packet, to.port, to.address, (error) => {
      if (error !== null) return
      sent++
      sentBytes += packet.length
    })
  })
  await wait(LISTEN_MILLIS)
  for (const socket of sockets) socket.close()
}

async function openSocket(address: string): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.on('message', (message) => (receivedBytes += message.length))
  socket.bind(0, address)
  await once(socket, 'listening')
  return socket
}

/** Each connection stays for as long as the relay lets it. */
async function floodConnections(): Promise<void> {
  const open = new Set<{ destroy(): void }>()
  await pace((index) => {
    const packet = packetOf(index)
    const socket = connect({
      host: to.address,
      port: to.port,
      localAddress: sourceOf(index % attack.sources),
    })
    open.add(socket)
    socket.on('connect', () => {
      sent++
      sentBytes += packet.length
      if (packet.length > 0) socket.write(packet)
    })
    socket.on('data', (data) => (receivedBytes += data.length))
    socket.on('error', () => open.delete(socket))
    socket.on('close', () => open.delete(socket))
  })
  await wait(LISTEN_MILLIS)
  for (const socket of open) socket.destroy()
}

/** Calls `sendOne` for each packet when it is due, a few milliseconds' worth at once. */
async function pace(sendOne: (index: number) => void): Promise<void> {
  const startedAt = performance.now()
  for (let index = 0; index < packets;) {
    const due = Math.min(packets, Math.ceil(((performance.now() - startedAt) * perSecond) / 1_000))
    // A machine that stood still does not make up for it at once.
    for (const end = Math.min(due, index + MAX_BURST); index < end; index++) sendOne(index)
    await wait(2)
  }
}

function packetOf(index: number): Uint8Array {
  return attack.packets[index % attack.packets.length] ?? new Uint8Array(0)
}

/** From 127.1.0.2 on: a network for each source, or one for all of them. */
function sourceOf(index: number): string {
  if (process.platform !== 'linux') return '127.0.0.1'
  return attack.isOneNetwork === true ? `127.1.0.${2 + index}` : `127.${1 + (index >> 8)}.${index & 255}.2`
}

function wait(millis: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, millis))
}
