/**
 * The transceiver of the abuse tests, on a thread of its own: verifies checks, binds who passes, echoes the media of
 * those it has bound, and says nothing to anybody else.
 */

import { parentPort } from 'node:worker_threads'
import { utf8 } from '#shared/bytes'
import { formatEndpoint } from '#shared/endpoint'
import { FRAME_FLAG_BIND } from '#shared/link/frame'
import { classifyPacket } from '#shared/packet/classify'
import { hmacSha1 } from '#shared/platform/crypto'
import { openUdpPort } from '#shared/platform/udp-dgram'
import { checkIntegrity } from '#shared/stun/integrity'
import { bindingResponse, linkDatagram, parseLinkDatagram } from '../../relay-nodes/test-packets.ts'
import type { TestFrame } from '../../relay-nodes/test-packets.ts'
import { VICTIM_PASSWORD } from './victim.ts'

const mac = hmacSha1(utf8(VICTIM_PASSWORD))
const bound = new Set<string>()

const port = await openUdpPort({ address: '127.0.0.1', port: 0 }, (datagram, sender) => {
  // Pings of the link are left unanswered: nothing here acts on them.
  if (datagram[1] !== 0) return
  const { cookie, frames } = parseLinkDatagram(datagram)
  const answers = frames.map(answerTo).filter((answer) => answer !== undefined)
  if (answers.length > 0) port.send(linkDatagram(cookie, ...answers), sender, 0)
})
parentPort?.postMessage(port.endpoint, [])

function answerTo({ client, payload }: TestFrame): TestFrame | undefined {
  const name = formatEndpoint(client)
  if (classifyPacket(payload, 0, payload.length) !== 'stun') {
    return bound.has(name) ? { client, flags: 0, payload } : undefined
  }
  if (checkIntegrity(payload, mac) !== 'valid') return undefined
  bound.add(name)
  return { client, flags: FRAME_FLAG_BIND, payload: bindingResponse() }
}
