/** The doctor, at a local stack that is well, and at one with a relay stopped. */

import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { examine } from '../../scripts/doctor/examine.ts'
import type { Finding } from '../../scripts/doctor/examine.ts'
import { readFleet } from '../../scripts/doctor/vip.ts'
import { freeStackPorts, startStack } from '../../scripts/start/stack.ts'
import type { Stack } from '../../scripts/start/stack.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack({ ports: await freeStackPorts(), onLine: () => undefined })
})
afterAll(() => stack.stop())

test(
  'finds a whole fleet well: the Worker, and each relay by UDP, by TCP and by a call',
  { timeout: 120_000 },
  async () => {
    const findings = await examineStack()
    expect(findings.filter(({ isWell }) => !isWell)).toEqual([])
    expect(findings.map(({ what }) => what)).toEqual([
      `The Worker at ${stack.url}`,
      'A call',
      `The relay us-south at ${stack.address}`,
      `The relay eu-west at ${stack.address}`,
    ])
    expect(findings[3]?.detail).toMatch(/^UDP \d+ \d+ ms, TCP \d+ \d+ ms, call \d+ ms$/)
  },
)

test('says in one line which relay has stopped', { timeout: 120_000 }, async () => {
  await stack.relays[1]?.kill()
  const unwell = (await examineStack()).filter(({ isWell }) => !isWell)
  expect(unwell).toHaveLength(1)
  expect(unwell[0]?.what).toBe(`The relay eu-west at ${stack.address}`)
  expect(unwell[0]?.detail).toMatch(
    /^UDP \d+ FAILED .*, TCP \d+ FAILED \(ECONNREFUSED\), call FAILED \(not tried\)$/,
  )
})

test('says that a Worker cannot be reached, and looks no further', async () => {
  const findings = await collect(examine({ ...deployment(), url: 'http://127.0.0.1:9' }))
  expect(findings).toMatchObject([{ what: 'The Worker at http://127.0.0.1:9', isWell: false }])
})

function examineStack(): Promise<Finding[]> {
  return collect(examine(deployment()))
}

function deployment() {
  const fleet = {
    relays: stack.ports.relays.map(({ client }, index) => ({
      region: ['us-south', 'eu-west'][index],
      vip: stack.address,
      udp_port: client,
      tcp_port: client,
    })),
  }
  const speech = fileURLToPath(new URL('../audio/speech.wav', import.meta.url))
  return { url: stack.url, key: undefined, vips: readFleet(JSON.stringify(fleet)), speech }
}

async function collect(findings: AsyncIterable<Finding>): Promise<Finding[]> {
  const all: Finding[] = []
  for await (const finding of findings) all.push(finding)
  return all
}
