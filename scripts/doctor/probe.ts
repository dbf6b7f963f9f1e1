/**
 * Asks whether a VIP passes packets: a connectivity check (RFC 8445 section 7.2) with the credentials of a real call,
 * which a relay routes and that call's transceiver answers.
 *
 * Relays answer nothing by themselves, so no other packet would tell a relay that works from one that is gone.
 */

import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { equalBytes } from '#shared/bytes'
import { hmacSha1, randomBytes } from '#shared/platform/crypto'
import { checkIntegrity } from '#shared/stun/integrity'
import { iceControlled, priority, username } from '#shared/stun/attributes'
import { encodeStunMessage, parseStunMessage } from '#shared/stun/message'
import { BINDING_REQUEST, TRANSACTION_ID_BYTES } from '#shared/stun/registry'
import { framePacket } from '../../relay-nodes/core/rfc4571.ts'

/** ICE credentials of a call, RFC 8445 section 7.2.2. */
export interface Credentials {
  /** The server's ufrag, a colon, the client's. */
  readonly username: string
  /** The server's. */
  readonly password: Uint8Array
}

/** How long it took, in milliseconds; or why nothing came back. */
export type ProbeOutcome = { readonly millis: number } | { readonly fault: string }

/** Checks by UDP, several times in case a packet is lost. */
export async function probeUdp(
  address: string,
  port: number,
  credentials: Credentials,
): Promise<ProbeOutcome> {
  const check = new Check(credentials)
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  const timers: NodeJS.Timeout[] = []
  try {
    return await new Promise((resolve) => {
      socket.on('error', (error: NodeJS.ErrnoException) => resolve({ fault: error.code ?? error.message }))
      socket.on('message', (packet) => check.isAnsweredBy(packet) && resolve({ millis: check.millis }))
      for (let at = 0; at < PATIENCE; at += REPEAT_INTERVAL) {
        timers.push(setTimeout(() => socket.send(check.request, port, address), at))
      }
      timers.push(setTimeout(() => resolve({ fault: SILENCE }), PATIENCE))
    })
  } finally {
    for (const timer of timers) clearTimeout(timer)
    socket.close()
  }
}

/** Checks by TCP, RFC 6544; each packet is framed as RFC 4571 says. */
export async function probeTcp(
  address: string,
  port: number,
  credentials: Credentials,
): Promise<ProbeOutcome> {
  const check = new Check(credentials)
  const socket = connect({ host: address, port, noDelay: true })
  let received = Buffer.alloc(0)
  const timer = setTimeout(() => socket.destroy(new Error(SILENCE)), PATIENCE)
  try {
    return await new Promise((resolve) => {
      socket.on('connect', () => socket.write(framePacket(check.request)))
      socket.on('error', (error: NodeJS.ErrnoException) => resolve({ fault: error.code ?? error.message }))
      socket.on('close', () => resolve({ fault: 'the relay closed the connection' }))
      socket.on('data', (bytes: Buffer) => {
        received = Buffer.concat([received, bytes])
        while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
          const end = 2 + received.readUInt16BE(0)
          if (check.isAnsweredBy(received.subarray(2, end))) resolve({ millis: check.millis })
          received = received.subarray(end)
        }
      })
    })
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

/** One connectivity check, and its answer. */
class Check {
  readonly request: Uint8Array
  readonly #id = randomBytes(TRANSACTION_ID_BYTES)
  readonly #integrity: (data: Uint8Array) => Uint8Array
  readonly #start = performance.now()

  constructor({ username: name, password }: Credentials) {
    this.#integrity = hmacSha1(password)
    const attributes = [username(name), priority(PRIORITY), iceControlled(randomBytes(8))]
    this.request = encodeStunMessage(BINDING_REQUEST, this.#id, attributes, {
      integrity: this.#integrity,
      fingerprint: true,
    })
  }

  /** Milliseconds since the check began. */
  get millis(): number {
    return Math.round(performance.now() - this.#start)
  }

  /** Whether whoever knows the password has answered; an error, such as one about roles, is an answer too. */
  isAnsweredBy(packet: Uint8Array): boolean {
    const message = parseStunMessage(packet)
    if (typeof message === 'string' || !equalBytes(message.transactionId, this.#id)) return false
    return checkIntegrity(packet, this.#integrity) === 'valid'
  }
}

const PATIENCE = 3_000
const REPEAT_INTERVAL = 500
const SILENCE = `nothing came back in ${PATIENCE / 1_000} s`
/** RFC 8445 section 5.1.2.1, for a peer-reflexive candidate. */
const PRIORITY = 1_862_270_975
