/** One ICE agent, a scripted client, and a network with delays, on a virtual clock. */

import { ENDPOINT_WORDS, writeClient } from '#shared/endpoint'
import type { Client } from '#shared/endpoint'
import { hmacSha1 } from '#shared/platform/crypto'
import { fromUtf8, utf8 } from '#shared/bytes'
import {
  iceControlled,
  iceControlling,
  priority,
  readNumber,
  username,
  xorMappedAddress,
} from '#shared/stun/attributes'
import type { Hmac } from '#shared/stun/integrity'
import { encodeStunMessage, findAttribute, parseStunMessage } from '#shared/stun/message'
import type { StunAttribute, StunMessage } from '#shared/stun/message'
import {
  ATTRIBUTE_NOMINATION,
  ATTRIBUTE_USE_CANDIDATE,
  ATTRIBUTE_USERNAME,
  BINDING_REQUEST,
  BINDING_SUCCESS,
} from '#shared/stun/registry'
import { millisOf } from '#shared/time'
import { IceAgent } from './core/ice/agent.ts'
import type { IceFault } from './core/ice/agent.ts'
import type { IceCommand } from './core/ice/commands.ts'
import type { IceCredentials } from './core/ice/credentials.ts'
import type { IcePath } from './core/ice/path.ts'

/** HMAC-SHA1 under the client's password, and under the server's. */
export const clientMac = hmacSha1(utf8('client-password-of-24-ch'))
export const serverMac = hmacSha1(utf8('server-password-of-24-ch'))
const nextClientMac = hmacSha1(utf8('next-client-password-24-'))
const nextServerMac = hmacSha1(utf8('next-server-password-24-'))
/** The credentials of a restart. */
export const RESTART: IceCredentials = {
  localUfrag: 'RESTARTufragRESTARTufr',
  remoteUfrag: 'next',
  localMac: nextServerMac,
  remoteMac: nextClientMac,
}
/** Endpoints of clients. */
export const HOME: Client = { address: '198.51.100.7', port: 40_000, listener: 0, transport: 'udp' }
export const onTcp: Client = { ...HOME, listener: 1, transport: 'tcp' }
export const ELSEWHERE: Client = { ...HOME, address: '203.0.113.66' }

/** A server agent, a scripted client, a network with a delay and a virtual clock. */
export class World {
  now = millisOf(1000)
  readonly agent: IceAgent
  readonly commands: IceCommand[] = []
  readonly faults: IceFault[] = []
  /** Answers our checks on these paths; anything else is a black hole. */
  answers: (path: IcePath) => boolean = () => true
  /** Round trip of our checks on a path. */
  delayOf: (path: IcePath) => number = () => 10
  /** The way that the client's media takes every 20 ms: the one nominated, another, or none. */
  media: { vip: number; client: Client } | 'nominated' | undefined
  clientIsControlling = false
  /** Links whose relay does not answer pings; each path has the link of its VIP's number. */
  readonly lostLinks = new Set<number>()
  #random = 0
  #transaction = 0
  #mediaAt = 0
  readonly #inFlight: { at: number; path: IcePath; message: Uint8Array }[] = []

  constructor() {
    this.agent = new IceAgent(
      {
        localUfrag: 'SERVERufragSERVERufrag',
        remoteUfrag: 'clnt',
        localMac: serverMac,
        remoteMac: clientMac,
        randomBytes: (length) =>
          new Uint8Array(length).map(() => (this.#random = (this.#random * 69069 + 1) & 0xff)),
        rankOf: (vip, listener, isTcp) => (vip <= 1 ? (isTcp ? 512 : 0) + listener * 2 + vip : undefined),
        isLinkLost: (link) => this.lostLinks.has(link),
      },
      this.now,
    )
  }

  /** The client sends a check that arrives at once. */
  check(
    vip: number,
    client: Client,
    attributes: StunAttribute[] = [],
    mac: Hmac = serverMac,
    name = 'clnt',
  ): IcePath | IceFault {
    const role = this.clientIsControlling ? iceControlling : iceControlled
    return this.arrive(
      encodeStunMessage(
        BINDING_REQUEST,
        this.nextTransaction(),
        [username(`SERVERufragSERVERufrag:${name}`), role(new Uint8Array(8)), priority(1), ...attributes],
        { integrity: mac, fingerprint: true },
      ),
      vip,
      client,
    )
  }

  /** The same under the credentials of `RESTART`. */
  checkNext(vip: number, client: Client): IcePath | IceFault {
    return this.arrive(
      encodeStunMessage(
        BINDING_REQUEST,
        this.nextTransaction(),
        [username(`${RESTART.localUfrag}:next`), iceControlled(new Uint8Array(8)), priority(1)],
        { integrity: nextServerMac, fingerprint: true },
      ),
      vip,
      client,
    )
  }

  nextTransaction(): Uint8Array {
    return new Uint8Array(12).fill(++this.#transaction)
  }

  arrive(bytes: Uint8Array, vip: number, client: Client, link = vip): IcePath | IceFault {
    const words = new Int32Array(ENDPOINT_WORDS)
    writeClient(words, 0, client)
    const verdict = this.agent.handleStun(
      { bytes, message: parsed(bytes), vip, link, client: words },
      this.now,
    )
    if (typeof verdict === 'string') this.faults.push(verdict)
    this.#drain()
    return verdict
  }

  /** Lets time pass; the client answers our checks one round trip later. */
  run(duration: number): void {
    const end = this.now + duration
    for (;;) {
      const arrival = this.#inFlight[0]?.at ?? Infinity
      const timeout = this.agent.pollTimeout() ?? Infinity
      const media = this.media === undefined ? Infinity : this.#mediaAt
      const next = Math.min(arrival, timeout, media)
      if (next > end) break
      this.now = millisOf(Math.max(this.now, next))
      if (media <= Math.min(arrival, timeout)) this.#hearMedia()
      else if (arrival <= timeout) this.#answerNext()
      else this.agent.handleTimeout(this.now)
      this.#drain()
    }
    this.now = millisOf(end)
  }

  /** The same as the media loop does it, tick by tick, with the agent called when it wants to be, or in each. */
  tick(calls: 'when-it-asks' | 'always'): void {
    this.now = millisOf(this.now + TICK)
    while ((this.#inFlight[0]?.at ?? Infinity) <= this.now) this.#answerNext()
    if (this.media !== undefined) this.#hearMedia()
    const isDue = this.now >= (this.agent.pollTimeout() ?? Infinity)
    if (isDue || calls === 'always') this.agent.handleTimeout(this.now)
    this.#drain()
  }

  #hearMedia(): void {
    this.#mediaAt = this.now + TICK
    const path = this.#pathOfMedia()
    if (path !== undefined) path.heardAt = this.now
  }

  #pathOfMedia(): IcePath | undefined {
    if (this.media === 'nominated' || this.media === undefined) return this.agent.selected
    const words = new Int32Array(ENDPOINT_WORDS)
    const { vip, client } = this.media
    writeClient(words, 0, client)
    return this.agent.paths.find((known) => known.matches(vip, words, 0))
  }

  #answerNext(): void {
    const flight = this.#inFlight.shift()
    if (flight === undefined) return
    const request = parsed(flight.message)
    const mapped = xorMappedAddress({ address: '192.0.2.1', port: 3478 }, request.transactionId)
    const name = fromUtf8(valueOf(request, ATTRIBUTE_USERNAME))
    const response = encodeStunMessage(BINDING_SUCCESS, request.transactionId, [mapped], {
      integrity: name?.startsWith('next:') === true ? nextClientMac : clientMac,
      fingerprint: true,
    })
    const { vip, link, client } = flight.path
    const arrival = { bytes: response, message: parsed(response), vip, link, client }
    this.agent.handleStun(arrival, this.now)
  }

  #drain(): void {
    for (let c = this.agent.nextCommand(); c !== undefined; c = this.agent.nextCommand()) {
      this.commands.push(c)
      if (c.type === 'transmit' && parsed(c.message).type === BINDING_REQUEST && this.answers(c.path)) {
        this.#inFlight.push({ at: this.now + this.delayOf(c.path), path: c.path, message: c.message })
        this.#inFlight.sort((a, b) => a.at - b.at)
      }
    }
  }

  sent(type: number): { path: IcePath; message: StunMessage; bytes: Uint8Array; binds: boolean }[] {
    return this.commands.flatMap((c) =>
      c.type === 'transmit' && parsed(c.message).type === type
        ? [{ path: c.path, message: parsed(c.message), bytes: c.message, binds: c.binds }]
        : [],
    )
  }

  nominations(): { path: IcePath; number: number | undefined }[] {
    return this.sent(BINDING_REQUEST)
      .filter(({ message }) => findAttribute(message, ATTRIBUTE_USE_CANDIDATE) !== undefined)
      .map(({ path, message }) => ({
        path,
        number: readNumber(valueOf(message, ATTRIBUTE_NOMINATION)),
      }))
  }
}

/** Parses a STUN message that must be one. */
export function parsed(bytes: Uint8Array): StunMessage {
  const message = parseStunMessage(bytes)
  if (typeof message === 'string') throw new Error(message)
  return message
}

function valueOf(message: StunMessage, type: number): Uint8Array {
  return findAttribute(message, type) ?? new Uint8Array(0)
}

const TICK = 20
