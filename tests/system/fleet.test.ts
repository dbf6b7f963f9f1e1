/** The registry through its real client and the embedded server: membership, watching, outages. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RelayRecord } from '#shared/fleet/record'
import type { FleetSnapshot } from '#shared/fleet/snapshot'
import { epochNow } from '#shared/platform/clock'
import { startFleetMember } from '#shared/platform/fleet-member'
import { startFleetWatch } from '#shared/platform/fleet-watch'
import { openLog } from '#shared/platform/log'
import { StoreError, openStore } from '#shared/platform/store'
import type { Store } from '#shared/platform/store'
import { epochSecondsOf } from '#shared/time'
import { startLocalStore } from '../../scripts/local-store/server.ts'
import type { LocalStore } from '../../scripts/local-store/server.ts'
import { relayRecord } from '../fleet-records.ts'

let server: LocalStore
let store: Store
let logged: string[]
const log = openLog({ write: (line) => logged.push((JSON.parse(line) as { message: string }).message) })

beforeEach(async () => {
  server = await startLocalStore({ port: 0, token: 'token' })
  store = openStore({ url: server.url, token: 'token', timeoutMillis: 1_000 })
  logged = []
})
afterEach(() => server.close().catch(() => undefined))

function relay(id: string, fields: Partial<RelayRecord> = {}): RelayRecord {
  return relayRecord({ id, ...fields }, epochNow())
}

async function restartServer(): Promise<void> {
  server = await startLocalStore({ port: Number(new URL(server.url).port), token: 'token' })
}

describe('the store', () => {
  test('gives back what was published, and no longer what was withdrawn', async () => {
    expect(await store.readFleet()).toEqual([])
    await store.publish(relay('a'))
    await store.publish(relay('b'))
    await store.publish(relay('a', { flows: 7 }))
    const records = (await store.readFleet()) as RelayRecord[]
    expect(records.map(({ id, flows }) => [id, flows])).toEqual([
      ['a', 7],
      ['b', 0],
    ])
    await store.withdraw('a')
    await store.withdraw('a')
    expect(((await store.readFleet()) as RelayRecord[]).map(({ id }) => id)).toEqual(['b'])
  })

  test('says why a command failed, and quotes no record', async () => {
    const refused = openStore({ url: server.url, token: 'wrong' }).publish(relay('a'))
    await expect(refused).rejects.toMatchObject({
      code: 'refused',
      message: 'The store refused the command: WRONGPASS invalid or missing auth token',
    })
    await server.close()
    await expect(store.readFleet()).rejects.toMatchObject({ code: 'unreachable' })
    await expect(store.readFleet()).rejects.toBeInstanceOf(StoreError)
  })

  test('gives up on a server that does not answer', async () => {
    const silent = await startSilentServer()
    const impatient = openStore({ url: silent.url, token: 'token', timeoutMillis: 50 })
    await expect(impatient.readFleet()).rejects.toMatchObject({ code: 'timeout' })
    await silent.close()
  })
})

describe('a member of the fleet', () => {
  test('is published at once and withdrawn at the end', async () => {
    const member = startFleetMember({ store, record: () => relay('a'), log })
    await expect.poll(() => store.readFleet()).toHaveLength(1)
    await member.stop()
    expect(await store.readFleet()).toEqual([])
  })

  test('publishes a change without waiting for the heartbeat', async () => {
    let draining = false
    const member = startFleetMember({ store, record: () => relay('a', { draining }), log })
    await expect.poll(() => store.readFleet()).toHaveLength(1)
    draining = true
    await member.publish()
    expect(await store.readFleet()).toEqual([expect.objectContaining({ draining: true })])
    await member.stop()
  })

  test('outlives the store, says so once, and is back with it', async () => {
    const member = startFleetMember({ store, record: () => relay('a'), log, heartbeatSeconds: 0.02 })
    await expect.poll(() => store.readFleet()).toHaveLength(1)
    await server.close()
    await expect.poll(() => logged).toEqual(['The heartbeat does not reach the store'])
    await restartServer()
    await expect.poll(() => store.readFleet()).toHaveLength(1)
    await expect.poll(() => logged.at(-1)).toBe('The heartbeat reaches the store again')
    expect(logged).toHaveLength(2)
    await member.stop()
  })

  test('ends without the store too', async () => {
    const member = startFleetMember({ store, record: () => relay('a'), log })
    await expect.poll(() => store.readFleet()).toHaveLength(1)
    await server.close()
    await member.stop()
    expect(logged).toEqual(['The record could not be withdrawn'])
  })
})

describe('a watch on the fleet', () => {
  test('sees nodes come and go, and keeps them while the store is away', async () => {
    const snapshots: FleetSnapshot[] = []
    const idsSeen = () => snapshots.at(-1)?.relays.map(({ id }) => id)
    const onSnapshot = (snapshot: FleetSnapshot) => snapshots.push(snapshot)
    await store.publish(relay('a'))
    const watch = startFleetWatch({ store, onSnapshot, log, intervalSeconds: 0.02 })
    await expect.poll(idsSeen).toEqual(['a'])
    await store.publish(relay('b'))
    await expect.poll(idsSeen).toEqual(['a', 'b'])
    await store.withdraw('b')
    await expect.poll(idsSeen).toEqual(['a'])

    await server.close()
    await expect.poll(() => logged).toEqual(['The fleet cannot be read; the last snapshot stays in use'])
    await restartServer()
    await expect.poll(() => logged.at(-1)).toBe('The fleet can be read again')
    expect(idsSeen()).toEqual(['a'])
    await watch.stop()
  })

  test('removes the record of a node that is long dead', async () => {
    await store.publish(relay('living'))
    await store.publish(relay('silent', { heartbeatAt: epochSecondsOf(epochNow() - 60) }))
    await store.publish(relay('abandoned', { heartbeatAt: epochSecondsOf(epochNow() - 4_000) }))
    const watch = startFleetWatch({ store, onSnapshot: () => {}, log, intervalSeconds: 0.02 })
    await expect
      .poll(async () => ((await store.readFleet()) as RelayRecord[]).map(({ id }) => id))
      .toEqual(['living', 'silent'])
    await watch.stop()
  })
})

async function startSilentServer(): Promise<LocalStore> {
  const silent = createServer(() => {}).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      silent.close()
      silent.closeAllConnections()
      await once(silent, 'close')
    },
  }
}
