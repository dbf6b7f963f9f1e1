/**
 * The plain Node forwarder that the relay is measured against: `node:dgram` both ways, nothing else.
 *
 * It frames packets as the C forwarder does, one by one: no table, no checks, no bundling.
 *
 * Usage: dgram-process CLIENT_PORT LINK_PORT UPSTREAM_PORT
 */

import { createSocket } from 'node:dgram'
import { ENDPOINT_WORDS, readClient, writeClient } from '#shared/endpoint'
import {
  frameHeaderBytes,
  LINK_HEADER_BYTES,
  LINK_TYPE_DATA,
  LinkReader,
  writeFrameHeader,
  writeLinkHeader,
} from '#shared/link/frame'

const [clientPort = 0, linkPort = 0, upstreamPort = 0] = process.argv.slice(2).map(Number)
const cookie = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
const words = new Int32Array(ENDPOINT_WORDS)
const reader = new LinkReader()
const clients = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 })
const link = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 })

clients.on('message', (packet, { address, port }) => {
  writeClient(words, 0, { address, port, listener: 0, transport: 'udp' })
  const header = LINK_HEADER_BYTES + frameHeaderBytes(words, 0)
  const datagram = new Uint8Array(header + packet.length)
  writeLinkHeader(datagram, 0, LINK_TYPE_DATA, cookie)
  writeFrameHeader(datagram, LINK_HEADER_BYTES, words, 0, 0, packet.length)
  datagram.set(packet, header)
  link.send(datagram, upstreamPort, '127.0.0.1')
})

link.on('message', (datagram) => {
  if (reader.open(datagram, 0, datagram.length) !== undefined) return
  while (reader.next()) {
    const { port, address } = readClient(reader.client, 0)
    const { payloadStart, payloadLength } = reader
    if (payloadLength > 0) {
      clients.send(datagram.subarray(payloadStart, payloadStart + payloadLength), port, address)
    }
  }
})

clients.bind(clientPort, '127.0.0.1', () => link.bind(linkPort, '127.0.0.1', () => console.log('ready')))
