import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ENDPOINT_WORDS, readClient, writeClient } from '#shared/endpoint'
import type { Client } from '#shared/endpoint'
import { FRAME_FLAG_UNBIND, LinkReader } from '#shared/link/frame'
import { millisOf } from '#shared/time'
import { relayRecord } from '../../tests/fleet-records.ts'
import { GoodbyeSlab, LeftGoodbyes, MAX_GOODBYE_BYTES } from './goodbye-slab.ts'
import type { Goodbye } from './goodbye-slab.ts'
import { IcePath } from './ice/path.ts'
import { RelayDirectory } from './relay-directory.ts'

const SESSIONS = 4
const COOKIES = [0, 1, 2].map((relay) => new Uint8Array(8).fill(0xa0 + relay))
/** The last of the relays has never been heard. */
const LINKS = [
  { address: '192.0.2.1', port: 7471 },
  { address: '2001:db8::1', port: 7473 },
  { address: '192.0.2.3', port: 7475 },
  { address: '192.0.2.4', port: 7477 },
]
const RECORD = Uint8Array.from({ length: 39 }, (_, i) => i)

function openDirectory(): RelayDirectory {
  const directory = new RelayDirectory()
  directory.update(
    LINKS.map((link, i) => relayRecord({ id: `relay-${i}`, link })),
    millisOf(0),
  )
  for (const [index, cookie] of COOKIES.entries()) directory.learnCookie(index, cookie, 0)
  return directory
}

function openSlab(sessions = SESSIONS): { slab: GoodbyeSlab; memory: SharedArrayBuffer } {
  const memory = new SharedArrayBuffer(GoodbyeSlab.bytesFor(sessions))
  return { slab: new GoodbyeSlab(memory, openDirectory()), memory }
}

function pathTo(client: Client, link: number): IcePath {
  const words = new Int32Array(ENDPOINT_WORDS)
  writeClient(words, 0, client)
  return new IcePath(0, link, words, 0, 0, millisOf(0))
}

const CLIENT: Client = { address: '198.51.100.7', port: 50_000, listener: 1, transport: 'udp' }

/** What a relay reads of each goodbye that was left. */
function readAll(memory: SharedArrayBuffer, flags = 0): Saying[] {
  const left = new LeftGoodbyes(memory)
  return left.slots.map((slot) => {
    const datagram = new Uint8Array(MAX_GOODBYE_BYTES)
    const length = left.write(slot, datagram, 0, flags)
    const reader = new LinkReader()
    expect(reader.open(datagram, 0, length)).toBeUndefined()
    expect(reader.next()).toBe(true)
    const { payloadStart, payloadLength, cookieStart } = reader
    expect(payloadStart + payloadLength).toBe(length)
    expect(reader.flags & FRAME_FLAG_UNBIND).toBe(flags)
    const { address, port } = readClient(left.words, left.linkAt(slot))
    return {
      link: LINKS.findIndex((link) => link.address === address && link.port === port),
      cookie: [...datagram.subarray(cookieStart, cookieStart + 8)],
      client: readClient(reader.client, 0),
      record: [...datagram.subarray(payloadStart, length)],
    }
  })
}

interface Saying {
  readonly link: number
  readonly cookie: readonly number[]
  readonly client: Client
  readonly record: readonly number[]
}

test('says what was sealed to where the client is, once both are known', () => {
  const { slab, memory } = openSlab()
  const goodbye = slab.open()
  goodbye?.seal(RECORD)
  expect(readAll(memory)).toEqual([])
  goodbye?.follow(pathTo(CLIENT, 1))
  const saying = { link: 1, cookie: [...COOKIES[1]!], client: CLIENT, record: [...RECORD] }
  expect(readAll(memory, FRAME_FLAG_UNBIND)).toEqual([saying])
  goodbye?.close()
  expect(readAll(memory)).toEqual([])
})

test('says nothing through a relay that would not listen: its cookie is unknown', () => {
  const { slab, memory } = openSlab()
  const goodbye = slab.open()
  goodbye?.seal(RECORD)
  goodbye?.follow(pathTo(CLIENT, 0))
  goodbye?.follow(pathTo(CLIENT, 3))
  expect(readAll(memory)).toEqual([])
  goodbye?.follow(pathTo(CLIENT, 2))
  expect(readAll(memory)).toHaveLength(1)
})

test('says nothing that does not fit', () => {
  const { slab, memory } = openSlab()
  const goodbye = slab.open()
  goodbye?.follow(pathTo(CLIENT, 0))
  goodbye?.seal(new Uint8Array(76).fill(1))
  expect(readAll(memory)[0]?.record).toHaveLength(76)
  goodbye?.seal(new Uint8Array(77).fill(1))
  expect(readAll(memory)).toEqual([])
})

test('counts a slot whose writer was stopped half way as empty', () => {
  const { slab, memory } = openSlab()
  const goodbye = slab.open()
  goodbye?.seal(RECORD)
  const path = pathTo(CLIENT, 0)
  goodbye?.follow(path)
  Object.defineProperty(path, 'client', {
    get: () => {
      throw new Error('the thread ends here')
    },
  })
  expect(() => goodbye?.follow(path)).toThrow('the thread ends here')
  expect(readAll(memory)).toEqual([])
})

test('reads memory of any content without a fault', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 600 }), (noise) => {
      const memory = new SharedArrayBuffer(noise.length - (noise.length % 4))
      new Uint8Array(memory).set(noise.subarray(0, memory.byteLength))
      const left = new LeftGoodbyes(memory)
      const datagram = new Uint8Array(MAX_GOODBYE_BYTES)
      for (const slot of left.slots) {
        expect(left.write(slot, datagram, 0, 0)).toBeLessThanOrEqual(MAX_GOODBYE_BYTES)
      }
    }),
  )
})

test('keeps what a map of sessions would, whatever they do', () => {
  const session = fc.nat(SESSIONS + 1)
  const action = fc.oneof(
    fc.record({ type: fc.constant('open' as const), session }),
    fc.record({ type: fc.constant('close' as const), session }),
    fc.record({
      type: fc.constant('seal' as const),
      session,
      record: fc.uint8Array({ minLength: 1, maxLength: 76 }),
    }),
    fc.record({ type: fc.constant('follow' as const), session, link: fc.nat(2), client: anyClient() }),
  )
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const { slab, memory } = openSlab()
      const goodbyes = new Map<number, Goodbye>()
      const model = new Map<number, Partial<Saying>>()
      for (const one of actions) {
        const goodbye = goodbyes.get(one.session)
        if (one.type === 'open') {
          if (goodbye !== undefined) continue
          const opened = slab.open()
          expect(opened === undefined).toBe(model.size === SESSIONS)
          if (opened === undefined) continue
          goodbyes.set(one.session, opened)
          model.set(one.session, {})
        } else if (goodbye === undefined) {
          continue
        } else if (one.type === 'close') {
          goodbye.close()
          goodbye.close()
          goodbyes.delete(one.session)
          model.delete(one.session)
        } else if (one.type === 'seal') {
          goodbye.seal(one.record)
          model.set(one.session, { ...model.get(one.session), record: [...one.record] })
        } else {
          goodbye.follow(pathTo(one.client, one.link))
          const { link, client } = one
          model.set(one.session, { ...model.get(one.session), link, client, cookie: [...COOKIES[link]!] })
        }
      }
      const complete = [...model.values()].filter(({ record, link }) => record && link !== undefined)
      expect(sorted(readAll(memory))).toEqual(sorted(complete as Saying[]))
    }),
  )
})

function anyClient(): fc.Arbitrary<Client> {
  return fc.record({
    address: fc.constantFrom('198.51.100.7', '198.51.100.8', '2001:db8::7'),
    port: fc.integer({ min: 1, max: 0xffff }),
    listener: fc.nat(255),
    transport: fc.constantFrom('udp' as const, 'tcp' as const),
  })
}

function sorted(sayings: readonly Saying[]): string[] {
  return sayings
    .map(({ link, cookie, client: { address, port, listener, transport }, record }) =>
      JSON.stringify({ link, cookie, address, port, listener, transport, record }),
    )
    .sort()
}
