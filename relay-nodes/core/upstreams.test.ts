import { expect, test } from 'vitest'
import { ENDPOINT_WORDS, readClient } from '#shared/endpoint'
import type { Endpoint } from '#shared/endpoint'
import { millisOf } from '#shared/time'
import { clientWords } from '../test-packets.ts'
import { MAX_UPSTREAMS, Upstreams } from './upstreams.ts'
import type { Upstream } from './upstreams.ts'

const NOW = millisOf(0)
const first: Upstream = { cluster: 1, transceiver: 1, link: { address: '10.0.0.1', port: 7481 } }
const second: Upstream = { cluster: 4095, transceiver: 0xfffff, link: { address: 'fd00::2', port: 7481 } }

test('finds a listed upstream by its route and by its link endpoint', () => {
  const upstreams = new Upstreams()
  expect(upstreams.update([first, second], none, NOW)).toBe(0)
  const index = upstreams.indexOfRoute(4095, 0xfffff)
  expect(index).toBeGreaterThanOrEqual(0)
  expect(upstreams.indexOfLink(clientWords(second.link), 0)).toBe(index)
  expect(linkOf(upstreams, index)).toEqual(second.link)
  expect(upstreams.indexOfRoute(1, 1)).not.toBe(index)
})

test('knows nobody who is not listed', () => {
  const upstreams = new Upstreams()
  upstreams.update([first], none, NOW)
  expect(upstreams.indexOfRoute(1, 2)).toBe(-1)
  expect(upstreams.indexOfRoute(2, 1)).toBe(-1)
  expect(upstreams.indexOfLink(clientWords({ ...first.link, port: 7482 }), 0)).toBe(-1)
})

test('keeps an index for as long as its upstream is listed', () => {
  const upstreams = new Upstreams()
  upstreams.update([first, second], none, NOW)
  const index = upstreams.indexOfRoute(4095, 0xfffff)
  upstreams.update([second], none, NOW)
  upstreams.update([second, first], none, NOW)
  expect(upstreams.indexOfRoute(4095, 0xfffff)).toBe(index)
})

test('forgets an upstream that has left without flows', () => {
  const upstreams = new Upstreams()
  upstreams.update([first, second], none, NOW)
  upstreams.update([second], none, NOW)
  expect(upstreams.size).toBe(1)
  expect(upstreams.indexOfRoute(1, 1)).toBe(-1)
  expect(upstreams.indexOfLink(clientWords(first.link), 0)).toBe(-1)
})

test('keeps an upstream that has left while flows lead to it, and its route with it', () => {
  const upstreams = new Upstreams()
  upstreams.update([first], none, NOW)
  const index = upstreams.indexOfRoute(1, 1)
  upstreams.update([], (flowIndex) => flowIndex === index, NOW)
  expect(upstreams.indexOfRoute(1, 1)).toBe(index)
  expect(upstreams.indexOfLink(clientWords(first.link), 0)).toBe(index)
  upstreams.update([], none, NOW)
  expect(upstreams.size).toBe(0)
})

test('routes to the new place of a transceiver that moved, while its flows keep the old one', () => {
  const upstreams = new Upstreams()
  upstreams.update([first], none, NOW)
  const before = upstreams.indexOfRoute(1, 1)
  upstreams.update([{ ...first, link: { address: '10.0.0.9', port: 7481 } }], () => true, NOW)
  const after = upstreams.indexOfRoute(1, 1)
  expect(after).not.toBe(before)
  expect(linkOf(upstreams, before)).toEqual(first.link)
  upstreams.update([{ ...first, link: { address: '10.0.0.9', port: 7481 } }], none, NOW)
  expect(upstreams.size).toBe(1)
  expect(upstreams.indexOfRoute(1, 1)).toBe(after)
})

test('forgets the former ids of one that comes back under others at the same endpoint', () => {
  const upstreams = new Upstreams()
  const renamed = { ...first, transceiver: 2 }
  upstreams.update([first], none, NOW)
  upstreams.update([first, renamed], () => true, NOW)
  expect(upstreams.indexOfRoute(1, 1)).toBe(upstreams.indexOfRoute(1, 2))
  upstreams.update([renamed], () => true, NOW)
  expect(upstreams.indexOfRoute(1, 1)).toBe(-1)
  expect(linkOf(upstreams, upstreams.indexOfRoute(1, 2))).toEqual(first.link)
})

test('takes no more upstreams than its bound, and makes room when some leave', () => {
  const upstreams = new Upstreams()
  const fleet = Array.from({ length: MAX_UPSTREAMS + 2 }, (_, i) => ({
    cluster: 1,
    transceiver: i,
    link: { address: '10.0.0.1', port: 1 + i },
  }))
  expect(upstreams.update(fleet, none, NOW)).toBe(2)
  expect(upstreams.indexOfRoute(1, MAX_UPSTREAMS)).toBe(-1)
  expect(upstreams.update(fleet.slice(2), none, NOW)).toBe(0)
  expect(upstreams.indexOfRoute(1, MAX_UPSTREAMS)).toBeGreaterThanOrEqual(0)
})

function linkOf(upstreams: Upstreams, index: number): Endpoint {
  const words = new Int32Array(ENDPOINT_WORDS)
  upstreams.writeLink(index, words, 0)
  const { address, port } = readClient(words, 0)
  return { address, port }
}

function none(): boolean {
  return false
}
