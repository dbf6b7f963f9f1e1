import { setTimeout as sleep } from 'node:timers/promises'
import { Event, RTCDataChannel, RTCDataChannelParameters, RTCSctpTransport } from 'werift'
import type { RTCDtlsTransport } from 'werift'
import { afterEach, describe, expect, test, vi } from 'vitest'

import { concatBytes, utf8, writeU16, writeU32 } from '#shared/bytes'
import { withChecksum } from '../core/sctp/packet.ts'
import { DataChannels, MAX_BACKLOG_BYTES } from './data-channel.ts'
import type { DataChannelEnd, DataChannelFault } from './data-channel.ts'

const MAX_MESSAGE_BYTES = 262_144
const MUTATED_PACKETS = 3_000
const opened: Pair[] = []

afterEach(() => {
  for (const pair of opened.splice(0)) pair.close()
})

describe('DataChannels', () => {
  test('opens the channel that the client asks for, whatever its label, and echoes text', async () => {
    const pair = await connect('événements ✓')
    expect(pair.labels).toEqual(['événements ✓'])
    const texts = ['{"type":"session.update"}', 'häß€', '', 'x'.repeat(200_000)]
    for (const text of texts) pair.clientSend(text)
    await until(() => expect(pair.echoed).toEqual(texts))
    expect(pair.faults).toEqual([])
  })

  test('listens from its construction on, so that an INIT in the same turn is answered', async () => {
    const pair = new Pair()
    expect(pair.packetsToClient).toBe(0)
    pair.start()
    await until(() => expect(pair.packetsToClient).toBeGreaterThan(0))
  })

  test('sends INIT to a client that waits for it', async () => {
    const pair = new Pair('controlled')
    pair.start()
    pair.server.handleDtlsConnected()
    await pair.established()
    await pair.expectEcho()
    expect(pair.faults).toEqual([])
  })

  test('has nothing to send on before the client has opened a channel', () => {
    expect(new Pair().server.send('too early')).toBe(false)
  })

  test('lets a second channel replace the first, and closes that', async () => {
    const pair = await connect('first')
    const first = pair.channel
    const second = pair.openChannel('second')
    await until(() => expect(pair.labels).toEqual(['first', 'second']))
    await until(() => expect(first.readyState).toBe('closed'))
    second.send('on the second')
    await until(() => expect(pair.echoed).toEqual(['on the second']))
    expect(pair.ends).toEqual([])
  })

  test('counts messages of a channel that it does not know', async () => {
    const pair = await connect()
    pair.inject(dataChunk(pair, { stream: 9, protocol: 51, data: utf8('hello') }))
    await until(() => expect(pair.faults).toEqual(['channel-unknown']))
    await pair.expectEcho()
  })

  test.each([
    ['message-binary', 53, Uint8Array.of(1, 2, 3)],
    ['message-binary', 57, Uint8Array.of(0)],
    ['message-protocol', 0xffff, utf8('?')],
    ['message-not-utf8', 51, Uint8Array.of(0xff, 0xfe)],
    ['channel-request', 50, Uint8Array.of(3, 0, 0)],
    ['channel-request', 50, Uint8Array.of(99)],
    ['channel-unknown', 50, Uint8Array.of(2)],
  ])('counts %s of payload protocol %i and goes on', async (fault, protocol, data) => {
    const pair = await connect()
    pair.inject(dataChunk(pair, { protocol, data }))
    await until(() => expect(pair.faults).toEqual([fault]))
    await pair.expectEcho()
  })

  test('ignores a message that is longer than agreed', async () => {
    const pair = await connect()
    pair.client.setRemoteMaxMessageSize(0)
    pair.clientSend('y'.repeat(MAX_MESSAGE_BYTES + 1))
    await until(() => expect(pair.faults).toEqual(['message-too-long']))
    await pair.expectEcho()
    expect(pair.server.send('y'.repeat(MAX_MESSAGE_BYTES + 1))).toBe(false)
  })

  test('says when the client closes its channel, and takes the next one', async () => {
    const pair = await connect()
    pair.channel.close()
    await until(() => expect(pair.ends).toEqual(['closed-by-client']))
    expect(pair.server.send('gone')).toBe(false)
    pair.openChannel('again')
    await until(() => expect(pair.labels).toHaveLength(2))
    await pair.expectEcho()
  })

  test('says when the client ends the association', async () => {
    const pair = await connect()
    await pair.client.stop()
    await until(() => expect(pair.ends).toEqual(['association-ended']))
  })

  test('gives the channel up when the client takes no data', async () => {
    const pair = await connect()
    pair.isClientGone = true
    const text = 'z'.repeat(16_384)
    let sent = 0
    while (pair.server.send(text)) sent += text.length
    expect(pair.ends).toEqual(['backlog-full'])
    expect(sent).toBeGreaterThan(MAX_BACKLOG_BYTES * 0.9)
    expect(sent).toBeLessThanOrEqual(MAX_BACKLOG_BYTES + 2 * text.length)
  })

  test('reports what a listener throws and stays alive', async () => {
    const pair = await connect()
    pair.onText = () => {
      throw new Error('a bug in the session')
    }
    pair.clientSend('boom')
    await until(() => expect(pair.faults).toEqual(['sctp-internal']))
    pair.onText = undefined
    await pair.expectEcho()
  })

  test('leaves no timers behind, wherever it is closed', async () => {
    const before = countTimers()
    const pairs: Pair[] = []
    for (let index = 0; index < 20; index++) {
      const pair = new Pair()
      pairs.push(pair)
      if (index % 2 === 0) pair.server.handleDtlsConnected()
      pair.start()
      if (index % 4 === 1) await turns(3)
      if (index % 4 >= 2) await pair.established()
      if (index % 4 === 3)
        for (let sent = 0; sent < 50; sent++) pair.server.send('unacknowledged '.repeat(100))
    }
    expect(countTimers()).toBeGreaterThan(before)
    for (const pair of pairs) pair.close()
    await turns(20)
    expect(countTimers()).toBeLessThanOrEqual(before)
  })
})

describe('DataChannels against an authenticated client that means harm', () => {
  const hostile: Record<string, [DataChannelFault, (pair: Pair) => Uint8Array]> = {
    'a packet shorter than its header': ['sctp-short', () => new Uint8Array(11)],
    'a wrong checksum': ['sctp-checksum', (pair) => flipped(packet(pair, chunk(4, 0, new Uint8Array(0))), 9)],
    'a wrong verification tag': [
      'sctp-tag',
      (pair) => packet(pair, chunk(4, 0, new Uint8Array(0)), 0xdead_beef),
    ],
    'a chunk of length zero': ['sctp-chunk-length', (pair) => packet(pair, new Uint8Array(4))],
    'a parameter of length zero': [
      'sctp-chunk-malformed',
      (pair) => packet(pair, chunk(4, 0, new Uint8Array(8))),
    ],
    'an unknown chunk': ['sctp-chunk-unknown', (pair) => packet(pair, chunk(63, 0, new Uint8Array(4)))],
    'data with no bytes': ['sctp-chunk-malformed', (pair) => dataChunk(pair, { data: new Uint8Array(0) })],
    'a SACK of 65,535 gaps': ['sctp-chunk-malformed', (pair) => packet(pair, sackChunk(pair, 0xffff, []))],
    'a SACK of everything': [
      'sctp-acknowledges-unsent',
      (pair) => packet(pair, sackChunk(pair, 1, [1, 0xffff])),
    ],
    'an INIT in the middle': ['sctp-chunk-misplaced', (pair) => packet(pair, initChunk(), 0)],
    'a far TSN': ['sctp-tsn-window', (pair) => dataChunk(pair, { ahead: 5_000 })],
    'a stream beyond the negotiated': ['sctp-stream', (pair) => dataChunk(pair, { stream: 60_000 })],
  }

  test.each(Object.entries(hostile))('counts %s and goes on', async (_, [fault, make]) => {
    const pair = await connect()
    pair.inject(make(pair))
    expect(pair.faults).toEqual([fault])
    await pair.expectEcho()
  })

  test('cuts out an unknown chunk that may be skipped and takes the rest', async () => {
    const pair = await connect()
    const padding = chunk(0x84, 0, new Uint8Array(5))
    const data = dataChunk(pair, { data: utf8('after the padding') }).subarray(12)
    pair.inject(packet(pair, concatBytes(padding, data)))
    await until(() => expect(pair.received).toEqual(['after the padding']))
    expect(pair.faults).toEqual(['sctp-chunk-unknown'])
  })

  test('bounds what fragments without an end can make it hold', async () => {
    const pair = await connect()
    for (let index = 0; index < 3_000; index++) {
      pair.inject(dataChunk(pair, { data: Uint8Array.of(1), flags: index === 0 ? 2 : 0 }))
    }
    expect(pair.faults.length).toBeGreaterThan(1_900)
    expect(new Set(pair.faults)).toEqual(new Set(['sctp-window-full', 'sctp-tsn-window']))
  })

  test('survives mutations of real packets while its neighbour keeps echoing', async () => {
    const random = seededRandom(20_261_122)
    const neighbour = await connect('neighbour')
    const recorded = await recordExchange()
    const faults = new Set<DataChannelFault>()
    let victims = 0
    for (let sent = 0; sent < MUTATED_PACKETS; victims++) {
      const victim = await connect('victim')
      // The harm is done to the server alone: the client's own werift would not survive the answers.
      victim.isClientGone = true
      for (let limit = sent + 200; sent < limit && victim.ends.length === 0; sent++) {
        victim.inject(mutated(pick(recorded, random), victim, random))
        if (sent % 20 === 0) await turns(1)
      }
      await neighbour.expectEcho()
      expect(victim.internalErrors).toEqual([])
      for (const fault of victim.faults) faults.add(fault)
      victim.close()
    }
    expect(victims).toBeGreaterThan(10)
    expect([...faults].toSorted()).toEqual(expect.arrayContaining(['sctp-checksum', 'sctp-chunk-malformed']))
    expect(faults.size).toBeGreaterThan(8)
    expect(neighbour.faults).toEqual([])
  })
})

/** A werift client and a `DataChannels` that echoes, joined in memory. */
class Pair {
  readonly labels: string[] = []
  readonly received: string[] = []
  readonly echoed: string[] = []
  readonly faults: DataChannelFault[] = []
  readonly internalErrors: unknown[] = []
  readonly ends: DataChannelEnd[] = []
  readonly toServer: Uint8Array[] = []
  packetsToClient = 0
  isClientGone = false
  onText: ((text: string) => void) | undefined
  readonly client = new RTCSctpTransport(5000)
  readonly server: DataChannels
  channel!: RTCDataChannel
  readonly #clientDtls = {
    id: 'client',
    iceTransport: { role: 'controlling' as IceRole },
    onStateChange: new Event(),
    dataReceiver: undefined as ((packet: Buffer) => void) | undefined,
    sendData: async (packet: Buffer): Promise<void> => {
      this.toServer.push(Uint8Array.from(packet))
      setImmediate(() => this.server.handleDtlsData(packet))
    },
  }

  /** A werift client sends INIT when its ICE role is controlling. */
  constructor(role: IceRole = 'controlling') {
    opened.push(this)
    this.#clientDtls.iceTransport.role = role
    this.client.setDtlsTransport(this.#clientDtls as unknown as RTCDtlsTransport)
    this.client.setRemoteMaxMessageSize(MAX_MESSAGE_BYTES)
    this.server = new DataChannels({
      localPort: 5000,
      remotePort: 5000,
      maxMessageBytes: MAX_MESSAGE_BYTES,
      sendDtls: (bytes) => {
        this.packetsToClient += 1
        if (!this.isClientGone) setImmediate(() => this.#clientDtls.dataReceiver?.(Buffer.from(bytes)))
      },
      onOpen: (label) => this.labels.push(label),
      onMessage: (text) => {
        this.onText?.(text)
        this.received.push(text)
        this.server.send(text)
      },
      onClose: (reason) => this.ends.push(reason),
      onFault: (fault, error) => {
        this.faults.push(fault)
        if (error !== undefined) this.internalErrors.push(error)
      },
    })
  }

  start(label = 'oai-events'): void {
    this.openChannel(label)
    void this.client.start(5000)
  }

  openChannel(label: string): RTCDataChannel {
    // werift writes the length of the label in characters, so it is given one of single bytes.
    const bytes = Buffer.from(label).toString('latin1')
    const channel = new RTCDataChannel(this.client, new RTCDataChannelParameters({ label: bytes }), false)
    const open = Buffer.concat([
      Buffer.of(3, 0, 0, 0, 0, 0, 0, 0, 0, Buffer.byteLength(label), 0, 0),
      Buffer.from(label),
    ])
    channel.onMessage.subscribe((message) => this.echoed.push(String(message)))
    const queue = this.client as unknown as { dataChannelQueue: unknown[]; dataChannelFlush(): Promise<void> }
    queue.dataChannelQueue.push([channel, 50, open])
    void queue.dataChannelFlush()
    this.channel = channel
    return channel
  }

  /** Sends as a client without werift's fault does: an empty message as one byte of PPID 56. */
  clientSend(text: string): void {
    if (text !== '') return this.channel.send(text)
    void this.client.sctp.send(this.channel.id ?? 0, 56, Buffer.alloc(1), { ordered: true })
  }

  async established(): Promise<void> {
    await until(() => expect(this.channel.readyState).toBe('open'))
  }

  async expectEcho(): Promise<void> {
    const text = `still here ${this.echoed.length}`
    this.clientSend(text)
    await until(() => expect(this.echoed).toContain(text))
  }

  /** Gives the server a packet as if the client had sent it. */
  inject(bytes: Uint8Array): void {
    this.server.handleDtlsData(bytes)
  }

  close(): void {
    this.server.close()
    void this.client.stop()
  }
}

/** Polls often, so that hundreds of exchanges do not wait for a slow poll each. */
async function until(assertion: () => void): Promise<void> {
  await vi.waitFor(assertion, { interval: 1, timeout: 3_000 })
}

type IceRole = 'controlling' | 'controlled'

async function connect(label?: string): Promise<Pair> {
  const pair = new Pair()
  pair.start(label)
  await pair.established()
  return pair
}

/** What a client sends from INIT to a few messages of several fragments. */
async function recordExchange(): Promise<Uint8Array[]> {
  const pair = await connect()
  for (const length of [1, 500, 5_000]) pair.clientSend('m'.repeat(length))
  pair.server.send('n'.repeat(5_000))
  await sleep(20)
  pair.channel.close()
  await sleep(20)
  return pair.toServer
}

/** Changes a recorded packet in up to four places, gives it the victim's tag, and mostly a right checksum. */
function mutated(recorded: Uint8Array, victim: Pair, random: () => number): Uint8Array {
  const bytes = Uint8Array.from(recorded)
  const isInit = bytes[12] === 1
  if (!isInit && random() < 0.95) writeU32(bytes, 4, tagOf(victim))
  if (bytes[12] === 0 && random() < 0.7) writeU32(bytes, 16, nextTsn(victim))
  for (let change = Math.floor(random() * 5); change > 0; change--) {
    const at = 12 + Math.floor(random() ** 2 * (bytes.length - 12))
    bytes[at] = random() < 0.3 ? pick([0, 1, 0x7f, 0x80, 0xff], random) : Math.floor(random() * 256)
  }
  const cut = random() < 0.15 ? bytes.slice(0, Math.floor(random() * bytes.length)) : bytes
  return cut.length >= 12 && random() < 0.95 ? withChecksum(cut) : cut
}

interface ClientInternals {
  readonly remoteVerificationTag: number
  localTsn: number
}

function internalsOf(pair: Pair): ClientInternals {
  return pair.client.sctp as unknown as ClientInternals
}

function tagOf(pair: Pair): number {
  return internalsOf(pair).remoteVerificationTag
}

/** Takes the client's next TSN, so that its own messages go on after an injected one. */
function nextTsn(pair: Pair): number {
  const internals = internalsOf(pair)
  const tsn = internals.localTsn
  internals.localTsn = (tsn + 1) % 2 ** 32
  return tsn
}

function packet(pair: Pair, chunks: Uint8Array, tag = tagOf(pair)): Uint8Array {
  const header = new Uint8Array(12)
  writeU16(header, 0, 5000)
  writeU16(header, 2, 5000)
  writeU32(header, 4, tag)
  return withChecksum(concatBytes(header, chunks))
}

function chunk(type: number, flags: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + Math.ceil(body.length / 4) * 4)
  bytes.set([type, flags])
  writeU16(bytes, 2, 4 + body.length)
  bytes.set(body, 4)
  return bytes
}

interface DataOptions {
  readonly stream?: number
  readonly protocol?: number
  readonly data?: Uint8Array
  readonly flags?: number
  readonly ahead?: number
}

function dataChunk(
  pair: Pair,
  { stream, protocol = 51, data = utf8('data'), flags = 7, ahead }: DataOptions,
): Uint8Array {
  const body = new Uint8Array(12 + data.length)
  const isAccepted = ahead === undefined && data.length > 0 && (stream ?? 0) < 1024
  writeU32(body, 0, isAccepted ? nextTsn(pair) : internalsOf(pair).localTsn + (ahead ?? 0))
  writeU16(body, 4, stream ?? pair.channel.id ?? 0)
  writeU32(body, 8, protocol)
  body.set(data, 12)
  return packet(pair, chunk(0, flags, body))
}

function sackChunk(pair: Pair, gaps: number, gap: readonly number[]): Uint8Array {
  const body = new Uint8Array(12 + gap.length * 2)
  const state = pair.client.sctp as unknown as { lastReceivedTsn: number }
  writeU32(body, 0, state.lastReceivedTsn)
  writeU32(body, 4, 65_536)
  writeU16(body, 8, gaps)
  for (const [index, value] of gap.entries()) writeU16(body, 12 + index * 2, value)
  return chunk(3, 0, body)
}

function initChunk(): Uint8Array {
  const body = new Uint8Array(16)
  writeU32(body, 0, 7)
  writeU16(body, 8, 1)
  writeU16(body, 10, 1)
  return chunk(1, 0, body)
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.with(at, (bytes[at] ?? 0) ^ 1)
}

function pick<Item>(items: readonly Item[], random: () => number): Item {
  const item = items[Math.floor(random() * items.length)]
  if (item === undefined) throw new RangeError('nothing to pick from')
  return item
}

function countTimers(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** mulberry32: a seeded generator, so that a failing round can be run again. */
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b_79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
