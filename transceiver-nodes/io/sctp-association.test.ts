import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import { fromUtf8, utf8 } from '#shared/bytes'
import { parseInit } from '../core/sctp/init.ts'
import { initialTsnOf, shiftReceived, unshiftSent } from '../core/sctp/tsn-shift.ts'
import { SctpAssociation } from './sctp-association.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

test('makes one association when both sides send INIT at once, and keeps it', async () => {
  const [left, right] = join()
  left.association.initiate()
  right.association.initiate()
  await vi.advanceTimersByTimeAsync(60_000)
  await exchange(left, right)
  expect([...left.log, ...right.log]).toEqual(['1 from the right', '1 from the left'])
})

test('repeats its INIT until the peer takes it', async () => {
  const [left, right] = join()
  right.isDeaf = true
  left.association.initiate()
  await vi.advanceTimersByTimeAsync(4_000)
  right.isDeaf = false
  await vi.advanceTimersByTimeAsync(4_000)
  await exchange(left, right)
  expect([...left.log, ...right.log]).toEqual(['1 from the right', '1 from the left'])
})

test('ends when nobody answers its INIT', async () => {
  const [left, right] = join()
  right.isDeaf = true
  left.association.initiate()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(left.log).toEqual(['end'])
})

test('sends no INIT when the peer has sent one', async () => {
  const [left, right] = join()
  right.association.initiate()
  await vi.advanceTimersByTimeAsync(100)
  const sent = left.sent
  left.association.initiate()
  await vi.advanceTimersByTimeAsync(100)
  expect(left.sent).toBe(sent)
})

test('tells of a closed stream once for each direction, and of the end', async () => {
  const [left, right] = join()
  left.association.initiate()
  await vi.advanceTimersByTimeAsync(100)
  await exchange(left, right)
  left.association.resetStream(1)
  await vi.advanceTimersByTimeAsync(100)
  left.association.close()
  await vi.advanceTimersByTimeAsync(100)
  expect(right.log).toEqual(['1 from the left', 'reset 1', 'reset 1', 'end'])
  expect(left.log).toEqual(['1 from the right', 'reset 1', 'reset 1'])
})

test('refuses an empty message, which would stall the stream', async () => {
  const [left] = join()
  await expect(left.association.send(1, 51, new Uint8Array(0))).rejects.toThrow(RangeError)
})

test("begins without a handshake when both sides know the other's INIT", async () => {
  const [left, right] = join()
  const [leftInit, rightInit] = [left, right].map(({ association }) => parseInit(association.localInit()))
  left.association.establish(rightInit!)
  right.association.establish(leftInit!)
  expect([left.isEstablished, right.isEstablished]).toEqual([true, true])
  left.association.initiate()
  await exchange(left, right)
  expect([...left.log, ...right.log]).toEqual(['1 from the right', '1 from the left'])
  right.association.resetStream(1)
  await vi.advanceTimersByTimeAsync(100)
  expect(left.log).toContain('reset 1')
})

test.each([
  ['gain a digit', 999_999_998],
  ['wrap', 0xffff_fffe],
])('delivers what was lost just where the TSNs of the peer %s', async (_, atMessages) => {
  const [left, right] = join()
  let shift = 0
  let losses = 0
  right.arrange = (packet) => {
    const copy = Uint8Array.from(packet)
    const initialTsn = initialTsnOf(copy)
    if (initialTsn !== undefined) shift = atMessages - initialTsn
    shiftReceived(copy, shift)
    const isFirst = copy[12] === 0 && new DataView(copy.buffer).getUint32(16) === atMessages
    return isFirst && losses++ === 0 ? undefined : copy
  }
  left.arrange = (packet) => {
    const copy = Uint8Array.from(packet)
    unshiftSent(copy, shift)
    return copy
  }
  left.association.initiate()
  await vi.advanceTimersByTimeAsync(100)
  for (let i = 0; i < 6; i++) await left.association.send(1, 51, utf8(`message ${i}`))
  await vi.advanceTimersByTimeAsync(20_000)
  expect(losses).toBe(2)
  expect(right.log).toEqual([0, 1, 2, 3, 4, 5].map((i) => `1 message ${i}`))
})

interface Side {
  readonly association: SctpAssociation
  readonly log: string[]
  sent: number
  isDeaf: boolean
  isEstablished: boolean
  /** What the network does to a packet to this side; undefined: loses it. */
  arrange: (packet: Uint8Array) => Uint8Array | undefined
  handlePacket(packet: Uint8Array): void
}

function join(): [Side, Side] {
  const sides: Side[] = []
  const sideOf = (peer: number): Side => {
    const log: string[] = []
    const association = new SctpAssociation(5000, 5000, 100_000, {
      send: (packet) => {
        side.sent += 1
        setTimeout(() => sides[peer]?.handlePacket(packet), 1)
      },
      onEstablished: () => (side.isEstablished = true),
      onMessage: (stream, _, message) => log.push(`${stream} ${fromUtf8(message)}`),
      onStreamsReset: (streams) => log.push(`reset ${streams.join()}`),
      onEnd: () => log.push('end'),
      onFault: (fault) => log.push(fault),
    })
    const side: Side = {
      association,
      log,
      sent: 0,
      isDeaf: false,
      isEstablished: false,
      arrange: (packet) => packet,
      handlePacket: (packet) => {
        const arranged = side.isDeaf ? undefined : side.arrange(packet)
        if (arranged !== undefined) association.handlePacket(arranged)
      },
    }
    return side
  }
  const [left, right] = [sideOf(1), sideOf(0)]
  sides.push(left, right)
  return [left, right]
}

async function exchange(left: Side, right: Side): Promise<void> {
  void left.association.send(1, 51, utf8('from the left'))
  void right.association.send(1, 51, utf8('from the right'))
  await vi.advanceTimersByTimeAsync(100)
}
