import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { MAX_FRAME_HEADER_BYTES } from '#shared/link/frame'
import { millisOf } from '#shared/time'
import { Relay } from '../core/relay.ts'
import { bindingRequest, clientWords, EPOCH, ROUTE_KEYS, ufragTo } from '../test-packets.ts'
import { startUpstreamRefresh } from './upstream-refresh.ts'

const known = { cluster: 1, transceiver: 1, link: { address: '10.0.0.1', port: 7481 } }

let relay: Relay
let stop: () => void
const refresh = vi.fn<() => Promise<void>>()

beforeEach(() => {
  vi.useFakeTimers()
  refresh.mockReset().mockResolvedValue()
  const cookie = new Uint8Array(8)
  relay = new Relay(
    { cookie, routeKeys: ROUTE_KEYS, listeners: 1, maxFlows: 1, hashKey: [1, 2] },
    EPOCH,
    millisOf(0),
  )
  stop = startUpstreamRefresh(() => relay, { refresh })
})

afterEach(() => {
  stop()
  vi.useRealTimers()
})

test('reads every second until the first transceiver is known, and then no more', async () => {
  await vi.advanceTimersByTimeAsync(2_000)
  expect(refresh).toHaveBeenCalledTimes(2)
  relay.handleUpstreams([known], millisOf(0))
  await vi.advanceTimersByTimeAsync(10_000)
  expect(refresh).toHaveBeenCalledTimes(2)
})

test('reads once for the checks of a second that lead to an unknown transceiver', async () => {
  relay.handleUpstreams([known], millisOf(0))
  check(known)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(refresh).not.toHaveBeenCalled()
  for (let i = 0; i < 50; i++) check({ cluster: 1, transceiver: 2 })
  await vi.advanceTimersByTimeAsync(5_000)
  expect(refresh).toHaveBeenCalledOnce()
})

test('waits for a slow read before it asks again', async () => {
  refresh.mockReturnValue(new Promise(() => {}))
  await vi.advanceTimersByTimeAsync(5_000)
  expect(refresh).toHaveBeenCalledOnce()
})

test('reads no more when it is stopped', async () => {
  stop()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(refresh).not.toHaveBeenCalled()
})

function check(transceiver: { cluster: number; transceiver: number }): void {
  const packet = bindingRequest(ufragTo(transceiver))
  const memory = new Uint8Array(MAX_FRAME_HEADER_BYTES + packet.length)
  memory.set(packet, MAX_FRAME_HEADER_BYTES)
  const client = clientWords({ address: '192.0.2.1', port: 5000 })
  relay.handleClientPacket(memory, MAX_FRAME_HEADER_BYTES, packet.length, client, 0)
}
