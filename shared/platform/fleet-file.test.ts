import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { FleetRecord } from '#shared/fleet/record'
import { epochSecondsOf } from '#shared/time'
import { FleetFile } from './fleet-file.ts'
import { openLog } from './log.ts'

const record: FleetRecord = {
  kind: 'transceiver',
  id: 'transceiver-1',
  region: 'eu-west',
  latitude: 50,
  longitude: 8,
  link: { address: '10.0.0.5', port: 7471 },
  capacity: 100,
  draining: false,
  version: '0.1.0',
  heartbeatAt: epochSecondsOf(1_800_000_000),
  cluster: 1,
  transceiver: 7,
  controlUrl: 'http://10.0.0.5:7480',
  sessions: 3,
}

let folder: string
let warnings: string[]
const open = () =>
  new FleetFile(join(folder, 'fleet.json'), openLog({ write: (line) => warnings.push(line) }))

beforeEach(async () => {
  warnings = []
  folder = await mkdtemp(join(tmpdir(), 'firsthop-'))
})

afterEach(() => rm(folder, { recursive: true }))

test('what was written is read again, by the next process too', async () => {
  const file = open()
  expect(await file.read()).toEqual([])
  file.write([record])
  await file.close()
  expect(await open().read()).toEqual([record])
  expect((await stat(join(folder, 'fleet.json'))).mode & 0o777).toBe(0o600)
})

test('heartbeats and loads alone are not written, a moved link is', async () => {
  const file = open()
  file.write([record])
  file.write([{ ...record, heartbeatAt: epochSecondsOf(1_800_000_005), sessions: 4 }])
  await file.close()
  expect(await open().read()).toEqual([record])
  const moved = { ...record, link: { address: '10.0.0.6', port: 7471 } }
  file.write([moved])
  await file.close()
  expect(await open().read()).toEqual([moved])
})

test('a damaged file, or one with records of another kind, counts as none', async () => {
  for (const text of ['', '{', '{"a":1}', '[1,null,{"kind":"relay"}]']) {
    await writeFile(join(folder, 'fleet.json'), text)
    expect(await open().read()).toEqual([])
  }
})

test('a file that cannot be written is told of and tried again', async () => {
  const path = join(folder, 'missing', 'fleet.json')
  const file = new FleetFile(path, openLog({ write: (line) => warnings.push(line) }))
  file.write([record])
  await file.close()
  expect(warnings).toHaveLength(1)
  file.write([record])
  await file.close()
  expect(warnings).toHaveLength(2)
  await expect(readFile(path)).rejects.toThrow()
})
