import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RelayChoice } from '#shared/control/messages'
import { candidatesFor } from './candidates.ts'

const A: RelayChoice = {
  id: 'a',
  region: 'north',
  vips: [{ address: '192.0.2.1', udpPorts: [3478, 443], tcpPorts: [443] }],
}
const B: RelayChoice = {
  id: 'b',
  region: 'south',
  vips: [{ address: '198.51.100.1', udpPorts: [3478, 443], tcpPorts: [443] }],
}

test('rises from A:3478 over B:3478 and A:443 to B:443, and keeps TCP below', () => {
  expect(candidatesFor([A, B])).toEqual([
    { foundation: '1', priority: 2_130_705_663, transport: 'udp', address: '192.0.2.1', port: 3478 },
    { foundation: '2', priority: 2_130_705_919, transport: 'udp', address: '198.51.100.1', port: 3478 },
    { foundation: '1', priority: 2_130_706_175, transport: 'udp', address: '192.0.2.1', port: 443 },
    { foundation: '2', priority: 2_130_706_431, transport: 'udp', address: '198.51.100.1', port: 443 },
    {
      foundation: '3',
      priority: 2_124_414_719,
      transport: 'tcp',
      address: '192.0.2.1',
      port: 443,
      tcpType: 'passive',
    },
    {
      foundation: '4',
      priority: 2_124_414_975,
      transport: 'tcp',
      address: '198.51.100.1',
      port: 443,
      tcpType: 'passive',
    },
  ])
})

test('gives the highest host priority of RFC 8445 to the last UDP candidate', () => {
  expect(
    candidatesFor([A]).find(({ port, transport }) => port === 443 && transport === 'udp')?.priority,
  ).toBe(2 ** 24 * 126 + 2 ** 8 * 65_535 + 255)
})

test('goes round both address families of both relays', () => {
  const dual = (relay: RelayChoice, address: string) => ({
    ...relay,
    vips: [...relay.vips, { address, udpPorts: [3478], tcpPorts: [] }],
  })
  const udp = candidatesFor([dual(A, '2001:db8::a'), dual(B, '2001:db8::b')]).filter(
    (c) => c.transport === 'udp',
  )
  expect(udp.map(({ address, port }) => `${address} ${port}`)).toEqual([
    '192.0.2.1 3478',
    '2001:db8::a 3478',
    '198.51.100.1 3478',
    '2001:db8::b 3478',
    '192.0.2.1 443',
    '198.51.100.1 443',
  ])
})

test('names a path once when two relays stand behind one VIP', () => {
  expect(candidatesFor([A, { ...A, id: 'a2' }])).toEqual(candidatesFor([A]))
})

test('has nothing for no relays', () => {
  expect(candidatesFor([])).toEqual([])
})

test('gives every path its own priority, and every VIP and transport its own foundation', () => {
  const ports = fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { maxLength: 4 })
  const vip = fc.record({ address: fc.ipV4(), udpPorts: ports, tcpPorts: ports })
  const relay = fc.record({
    id: fc.string(),
    region: fc.string(),
    vips: fc.array(vip, { minLength: 1, maxLength: 2 }),
  })
  fc.assert(
    fc.property(fc.array(relay, { maxLength: 2 }), (relays) => {
      const candidates = candidatesFor(relays)
      const udp = candidates.filter(({ transport }) => transport === 'udp')
      const tcp = candidates.filter(({ transport }) => transport === 'tcp')
      const priorities = candidates.map(({ priority }) => priority)
      expect(new Set(priorities).size).toBe(priorities.length)
      for (const part of [udp, tcp]) {
        const priorities = part.map(({ priority }) => priority)
        expect(priorities).toEqual(priorities.toSorted((a, b) => a - b))
      }
      expect(Math.max(0, ...tcp.map(({ priority }) => priority))).toBeLessThan(
        Math.min(2 ** 31, ...udp.map(({ priority }) => priority)),
      )
      const bases = new Set(candidates.map(({ transport, address }) => `${transport} ${address}`))
      const pairs = new Set(candidates.map((c) => `${c.foundation} ${c.transport} ${c.address}`))
      const foundations = new Set(candidates.map(({ foundation }) => foundation))
      expect([pairs.size, foundations.size]).toEqual([bases.size, bases.size])
    }),
  )
})
