/**
 * Finds ports that nothing listens on, over TCP and UDP alike, by binding them for a moment.
 *
 * They lie below the ports that Linux hands out by itself (`ip_local_port_range`, from 32768), so that no outgoing
 * connection takes one between its being found and its being used.
 */

import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

/**
 * Returns `count` different free ports, each with two free ones behind it, which a relay's further links take;
 * another program may take one before it is used.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = FIRST_PORT + Math.floor(Math.random() * (END_PORT - FURTHER_LINKS - FIRST_PORT))
    const isApart = ![...ports].some((taken) => Math.abs(taken - port) <= FURTHER_LINKS)
    if (isApart && (await areFreePorts(port, port + FURTHER_LINKS))) ports.add(port)
  }
  return [...ports]
}

async function areFreePorts(first: number, last: number): Promise<boolean> {
  for (let port = first; port <= last; port++) {
    if (!(await isFreeTcpPort(port)) || !(await isFreeUdpPort(port))) return false
  }
  return true
}

function isFreeTcpPort(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, () => server.close(() => resolve(true)))
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

/** Above the ports of well-known services. */
const FIRST_PORT = 20_000
const END_PORT = 32_000
