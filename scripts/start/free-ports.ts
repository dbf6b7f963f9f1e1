/** Finds ports that nothing listens on, over TCP and UDP alike, by binding them for a moment. */

import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

/**
 * Returns `count` different free ports, each with two free ones behind it, which a relay's further links take;
 * another program may take one before it is used.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = await freeTcpPort()
    const isApart = ![...ports].some((taken) => Math.abs(taken - port) <= FURTHER_LINKS)
    if (isApart && (await areFreeUdpPorts(port, port + FURTHER_LINKS))) ports.add(port)
  }
  return [...ports]
}

async function areFreeUdpPorts(first: number, last: number): Promise<boolean> {
  for (let port = first; port <= last; port++) if (!(await isFreeUdpPort(port))) return false
  return true
}

function freeTcpPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

function isFreeUdpPort(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.once('error', () => socket.close(() => resolve(false)))
    socket.bind(port, () => socket.close(() => resolve(true)))
  })
}

/** With two threads, one for the second and one for TCP. */
const FURTHER_LINKS = 2
