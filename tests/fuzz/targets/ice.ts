/**
 * Two ICE agents and the table that routes to their sessions, under a list of operations: checks and answers of their
 * clients, good, wrong and damaged; clients that share endpoints; time.
 */

import { writeU32 } from '#shared/bytes'
import type { Client } from '#shared/endpoint'
import {
  errorCode,
  iceControlled,
  iceControlling,
  priority,
  useCandidate,
  username,
  xorMappedAddress,
} from '#shared/stun/attributes'
import { checkIntegrity, crc32 } from '#shared/stun/integrity'
import type { Hmac } from '#shared/stun/integrity'
import { encodeStunMessage, parseStunMessage } from '#shared/stun/message'
import { BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS } from '#shared/stun/registry'
import { millisOf } from '#shared/time'
import { clientWords } from '../../../relay-nodes/test-packets.ts'
import { IceAgent } from '../../../transceiver-nodes/core/ice/agent.ts'
import type { IceCommand } from '../../../transceiver-nodes/core/ice/commands.ts'
import { IcePath } from '../../../transceiver-nodes/core/ice/path.ts'
import { SessionTable } from '../../../transceiver-nodes/core/session-table.ts'
import { Random } from '../random.ts'
import { InputReader } from '../reader.ts'
import { mustHold } from '../target.ts'
import type { FuzzTarget } from '../target.ts'

export const ice: FuzzTarget = {
  name: 'ice',
  shares: 3,
  maxBytes: 384,
  seeds: () => Array.from({ length: 16 }, (_, seed) => new Random(seed + 100).bytes(300)),
  run(input) {
    const world = new World()
    const reader = new InputReader(input)
    while (reader.hasMore) reader.pick(OPERATIONS)(world, reader)
    world.run(40_000)
    mustHold(
      world.sessions.every(({ hasExpired }) => hasExpired),
      'a silent session does not end',
    )
    return `seen-${world.seen.size}`
  },
}

type Operation = (world: World, reader: InputReader) => void

/** A check, whose password and names may be wrong, and whose bytes may be damaged. */
function check(world: World, reader: InputReader): void {
  const session = reader.pick(world.sessions)
  const isRight = reader.byte() % 4 > 0
  const role = reader.pick([iceControlled, iceControlling])(
    reader.pick([new Uint8Array(8), ONES, ONES.subarray(1)]),
  )
  const others = [[], [useCandidate()], [{ type: 0x7777, value: ONES }], [{ type: 0xc057, value: ONES }]]
  const name = reader.pick([...Array<string>(4).fill(session.ufrag), 'RESTARTufragRESTARTufr', 'else'])
  const attributes = [username(`${name}:clnt`), role, priority(1), ...reader.pick(others)]
  const mac = isRight ? SERVER_MAC : CLIENT_MAC
  const message = encodeStunMessage(BINDING_REQUEST, world.transactionId(), attributes, {
    ...(reader.byte() % 8 > 0 && { integrity: mac }),
    fingerprint: reader.byte() % 4 > 0,
  })
  world.arrive(session, damaged(message, reader), reader)
}

/** An answer to a check of the agent's, or to none, from where it went or from elsewhere. */
function answer(world: World, reader: InputReader): void {
  const session = reader.pick(world.sessions)
  const asked = session.asked[reader.byte() % Math.max(1, session.asked.length)]
  const id = reader.byte() % 8 > 0 ? (asked?.id ?? ONES_12) : ONES_12
  const isError = reader.byte() % 5 === 0
  const attributes = isError
    ? [errorCode(reader.pick([487, 400, 500]), 'no')]
    : [xorMappedAddress({ address: '192.0.2.1', port: 1 }, id)]
  const message = encodeStunMessage(isError ? BINDING_ERROR : BINDING_SUCCESS, id, attributes, {
    integrity: reader.byte() % 6 > 0 ? CLIENT_MAC : SERVER_MAC,
    fingerprint: true,
  })
  if (asked === undefined || reader.byte() % 4 === 0) world.arrive(session, damaged(message, reader), reader)
  else world.take(session, damaged(message, reader), asked.path.vip, asked.path.client)
}

function letTimePass(world: World, reader: InputReader): void {
  world.run(reader.pick([10, 100, 250, 1_000, 5_000, 20_000]))
}

/** Both sides' passwords stay the same, which is the harder case: only the names tell the credentials apart. */
function restart(world: World, reader: InputReader): void {
  const { agent } = reader.pick(world.sessions)
  agent.restart({
    localUfrag: 'RESTARTufragRESTARTufr',
    remoteUfrag: 'clnt',
    localMac: SERVER_MAC,
    remoteMac: CLIENT_MAC,
  })
}

function loseLink(world: World, reader: InputReader): void {
  world.loseLink(reader.pick([-1, 0, 1]))
}

interface Asked {
  readonly id: Uint8Array
  readonly path: IcePath
}

interface Session {
  readonly ufrag: string
  readonly agent: IceAgent
  asked: Asked[]
  hasExpired: boolean
}

class World {
  readonly sessions: readonly Session[]
  /** What has happened so far. */
  readonly seen = new Set<string>()
  readonly #table = new SessionTable<Session>(2, [1, 2])
  /** Which session each endpoint at each VIP belongs to. */
  readonly #owners = new Map<string, { session: Session; path: IcePath }>()
  readonly #random = new Random(1)
  #now = millisOf(1_000)
  #lostLink = -1

  constructor() {
    this.sessions = ['SERVERufragSERVERufragA', 'SERVERufragSERVERufragB'].map((ufrag) => ({
      ufrag,
      agent: this.#agent(ufrag),
      asked: [],
      hasExpired: false,
    }))
    for (const [handle, session] of this.sessions.entries()) this.#table.add(handle, session)
  }

  transactionId(): Uint8Array {
    return this.#random.bytes(12)
  }

  arrive(session: Session, bytes: Uint8Array, reader: InputReader): void {
    this.take(session, bytes, reader.byte() % 3, clientWords(reader.pick(CLIENTS)))
  }

  take(session: Session, bytes: Uint8Array, vip: number, words: Int32Array): void {
    const message = parseStunMessage(bytes)
    if (session.hasExpired || typeof message === 'string') return
    const verdict = session.agent.handleStun({ bytes, message, vip, link: vip, client: words }, this.#now)
    const isRequest = message.type === BINDING_REQUEST
    const isProved = checkIntegrity(bytes, isRequest ? SERVER_MAC : CLIENT_MAC) === 'valid'
    if (verdict instanceof IcePath) {
      mustHold(isProved, 'a message without a proof is taken')
      mustHold(verdict.matches(vip, words, 0), 'a path other than the one it came on')
      this.#bind(verdict, session)
      this.seen.add(isRequest ? 'request' : 'response')
    } else this.seen.add(verdict)
    const commands = this.#drain(session)
    mustHold(isProved || commands === 0, 'a message without a proof has an effect')
    mustHold(session.agent.paths.length <= 8, 'more than eight paths')
  }

  /** Pings through the link of one VIP go unanswered from now on; or through none. */
  loseLink(link: number): void {
    this.#lostLink = link
    for (const session of this.sessions) {
      if (session.hasExpired) continue
      session.agent.handleTimeout(this.#now)
      this.#drain(session)
    }
  }

  /** Lets time pass, timeout by timeout. */
  run(millis: number): void {
    const end = this.#now + millis
    for (const session of this.sessions) {
      for (let due = this.#due(session); due <= end; due = this.#due(session)) {
        session.agent.handleTimeout(millisOf(Math.max(due, this.#now)))
        this.#drain(session)
        mustHold(this.#due(session) > due, 'a timeout does not get done')
      }
    }
    this.#now = millisOf(end)
  }

  #due(session: Session): number {
    return session.hasExpired ? Infinity : (session.agent.pollTimeout() ?? Infinity)
  }

  /** Executes the agent's commands; returns how many there were. */
  #drain(session: Session): number {
    let commands = 0
    for (let next = session.agent.nextCommand(); next !== undefined; next = session.agent.nextCommand()) {
      mustHold(++commands < 64, 'too many commands for one cause')
      this.seen.add(next.type)
      this.#execute(session, next)
    }
    const { selected, paths } = session.agent
    mustHold(selected === undefined || paths.includes(selected), 'the selected path is none')
    return commands
  }

  #execute(session: Session, command: IceCommand): void {
    if (command.type === 'expire') {
      mustHold(!session.hasExpired, 'a session ends twice')
      session.hasExpired = true
      for (const path of session.agent.paths) this.#unbind(path)
    } else if (command.type === 'forget') this.#unbind(command.path)
    else if (command.type === 'transmit')
      this.#transmit(session, command.path, command.message, command.binds)
  }

  #transmit(session: Session, path: IcePath, bytes: Uint8Array, binds: boolean): void {
    const message = parseStunMessage(bytes)
    mustHold(typeof message === 'object', 'an agent sends what is no STUN')
    mustHold(session.agent.paths.includes(path), 'an agent sends to a path that it has not')
    const isRequest = message.type === BINDING_REQUEST
    mustHold(!binds || message.type === BINDING_SUCCESS, 'an agent binds without a verified check')
    mustHold(
      checkIntegrity(bytes, isRequest ? CLIENT_MAC : SERVER_MAC) === 'valid',
      'an agent proves nothing',
    )
    if (isRequest) session.asked = [...session.asked.slice(-8), { id: message.transactionId, path }]
  }

  #bind(path: IcePath, session: Session): void {
    mustHold(this.#table.bind(path, session, this.#now), 'no room for the paths of two sessions')
    this.#owners.set(nameOf(path), { session, path })
    this.#mustAgree(path)
  }

  #unbind(path: IcePath): void {
    this.#table.unbind(path)
    if (this.#owners.get(nameOf(path))?.path === path) this.#owners.delete(nameOf(path))
    this.#mustAgree(path)
  }

  /** The table leads where the last one to be bound wanted it to. */
  #mustAgree(path: IcePath): void {
    const slot = this.#table.find(path.vip, path.client, 0)
    const owner = this.#owners.get(nameOf(path))
    mustHold(this.#table.sessionAt(slot) === owner?.session, 'packets go to another session')
    mustHold(this.#table.pathAt(slot) === owner?.path, 'packets go to another path')
  }

  #agent(localUfrag: string): IceAgent {
    return new IceAgent(
      {
        localUfrag,
        remoteUfrag: 'clnt',
        localMac: SERVER_MAC,
        remoteMac: CLIENT_MAC,
        randomBytes: (length) => this.#random.bytes(length),
        isLinkLost: (lost) => this.#lostLink === lost,
        rankOf: (vip, listener, isTcp) => (vip > 1 ? undefined : vip + 2 * listener + (isTcp ? 512 : 0)),
      },
      this.#now,
    )
  }
}

function nameOf(path: IcePath): string {
  return `${path.vip} ${path.client.join()}`
}

/** Changes a byte of every third message. */
function damaged(message: Uint8Array, reader: InputReader): Uint8Array {
  const copy = message.slice()
  if (reader.byte() % 3 === 0) copy[reader.byte() % copy.length] = reader.byte()
  return copy
}

const OPERATIONS: readonly Operation[] = [check, check, check, answer, answer, letTimePass, loseLink, restart]

/** Stands in for HMAC-SHA1, which would be most of the work: nobody here tries to forge it. */
function toyMac(key: number): Hmac {
  return (data) => {
    const code = new Uint8Array(20)
    writeU32(code, 0, crc32(data) ^ key)
    return code
  }
}

const SERVER_MAC = toyMac(1)
const CLIENT_MAC = toyMac(2)
const ONES = new Uint8Array(8).fill(0xff)
const ONES_12 = new Uint8Array(12).fill(0xff)

const CLIENTS: readonly Client[] = Array.from({ length: 6 }, (_, i) => ({
  address: i % 2 === 0 ? '198.51.100.7' : '2001:db8::7',
  port: 40_000 + (i >> 2),
  listener: i % 3,
  transport: i % 3 === 2 ? 'tcp' : 'udp',
}))
