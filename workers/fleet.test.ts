import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { epochNow } from '#shared/platform/clock'
import { openLog } from '#shared/platform/log'
import { StoreError } from '#shared/platform/store'
import type { Store } from '#shared/platform/store'
import { relayRecord, transceiverRecord } from '../tests/fleet-records.ts'
import { Fleet } from './fleet.ts'

let reads: number
let readFleet: () => Promise<unknown[]>
let fleet: Fleet
let kept: Promise<unknown>[]

const log = openLog({ write: () => {} })
const store: Store = {
  publish: () => Promise.reject(new Error('not the business of the Worker')),
  withdraw: () => Promise.reject(new Error('not the business of the Worker')),
  readFleet: () => {
    reads++
    return readFleet()
  },
}

beforeEach(() => {
  vi.useFakeTimers()
  reads = 0
  kept = []
  readFleet = () => Promise.resolve([relay('relay-1'), transceiver()])
  fleet = new Fleet(store, log)
})
afterEach(() => void vi.useRealTimers())

function relay(id: string) {
  return relayRecord({ id }, epochNow())
}

function transceiver() {
  return transceiverRecord({}, epochNow())
}

async function relayIds(): Promise<string[] | undefined> {
  const snapshot = await fleet.snapshot((work) => kept.push(work))
  return snapshot?.relays.map(({ id }) => id)
}

async function renewedRelayIds(): Promise<string[] | undefined> {
  const snapshot = await fleet.renew((work) => kept.push(work))
  return snapshot?.relays.map(({ id }) => id)
}

function fail(): Promise<never> {
  return Promise.reject(new StoreError('unreachable', 'down', undefined))
}

describe('Fleet', () => {
  test('waits for the first read, and reads once for all who ask meanwhile', async () => {
    const answers = await Promise.all([relayIds(), relayIds(), relayIds()])
    expect(answers).toEqual([['relay-1'], ['relay-1'], ['relay-1']])
    expect(reads).toBe(1)
  })

  test('uses a fresh snapshot as it is', async () => {
    await relayIds()
    vi.advanceTimersByTime(2_999)
    await relayIds()
    expect(reads).toBe(1)
  })

  test('need not be waited for when it was prepared', async () => {
    await fleet.prepare((work) => kept.push(work))
    readFleet = () => new Promise(() => {})
    expect(await relayIds()).toEqual(['relay-1'])
    expect(reads).toBe(1)
  })

  test('prepares nothing while its snapshot is fresh', async () => {
    await relayIds()
    expect(fleet.prepare((work) => kept.push(work))).toBeUndefined()
    expect(reads).toBe(1)
  })

  test('answers with the last snapshot while it reads the next one', async () => {
    await relayIds()
    readFleet = () => Promise.resolve([relay('relay-2'), transceiver()])
    vi.advanceTimersByTime(4_000)
    expect(await relayIds()).toEqual(['relay-1'])
    await Promise.all(kept)
    expect(await relayIds()).toEqual(['relay-2'])
    expect(reads).toBe(2)
  })

  test('waits for a new snapshot after a long pause', async () => {
    await relayIds()
    vi.advanceTimersByTime(60_000)
    readFleet = () => Promise.resolve([relay('relay-2'), transceiver()])
    expect(await relayIds()).toEqual(['relay-2'])
  })

  test('goes on with the last snapshot for as long as the store is down', async () => {
    await relayIds()
    readFleet = fail
    for (let minute = 0; minute < 30; minute++) {
      vi.advanceTimersByTime(60_000)
      expect(await relayIds()).toEqual(['relay-1'])
    }
    expect(reads).toBe(31)
  })

  test('asks a store that is down at most every few seconds', async () => {
    await relayIds()
    readFleet = fail
    vi.advanceTimersByTime(4_000)
    for (let i = 0; i < 20; i++) await relayIds()
    await Promise.all(kept)
    for (let i = 0; i < 20; i++) await relayIds()
    expect(reads).toBe(2)
  })

  test('knows no fleet when it could never read one, and asks again soon', async () => {
    readFleet = fail
    expect(await relayIds()).toBeUndefined()
    expect(await relayIds()).toBeUndefined()
    expect(reads).toBe(1)
    vi.advanceTimersByTime(3_000)
    readFleet = () => Promise.resolve([relay('relay-1'), transceiver()])
    expect(await relayIds()).toEqual(['relay-1'])
  })

  test('looks again soon while the fleet has no transceiver', async () => {
    readFleet = () => Promise.resolve([relay('relay-1')])
    await relayIds()
    vi.advanceTimersByTime(250)
    await relayIds()
    expect(reads).toBe(2)
  })

  test('carries the nodes over when the store comes back with old records only', async () => {
    const old = [relay('relay-1'), transceiver()] as const
    await relayIds()
    readFleet = fail
    vi.advanceTimersByTime(40_000)
    await relayIds()
    readFleet = () => Promise.resolve([...old])
    vi.advanceTimersByTime(4_000)
    await relayIds()
    await Promise.all(kept)
    expect(epochNow() - old[0].heartbeatAt).toBeGreaterThan(40)
    expect(await relayIds()).toEqual(['relay-1'])
  })

  test('is renewed before its time, but no more than once a second', async () => {
    await relayIds()
    readFleet = () => Promise.resolve([relay('relay-2'), transceiver()])
    expect(await renewedRelayIds()).toBeUndefined()
    vi.advanceTimersByTime(1_000)
    expect(await Promise.all([renewedRelayIds(), renewedRelayIds()])).toEqual([['relay-2'], ['relay-2']])
    expect(await renewedRelayIds()).toBeUndefined()
    expect(await relayIds()).toEqual(['relay-2'])
    expect(reads).toBe(2)
  })

  test('stays what it was when it cannot be renewed', async () => {
    await relayIds()
    readFleet = fail
    vi.advanceTimersByTime(1_000)
    expect(await renewedRelayIds()).toEqual(['relay-1'])
  })

  test('is not held up by a read that never ends', async () => {
    readFleet = () => new Promise(() => {})
    const answer = relayIds()
    await vi.advanceTimersByTimeAsync(2_500)
    expect(await answer).toBeUndefined()
    readFleet = () => Promise.resolve([relay('relay-1'), transceiver()])
    expect(await relayIds()).toEqual(['relay-1'])
  })
})
