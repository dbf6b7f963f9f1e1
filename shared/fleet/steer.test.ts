import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { relayRecord, transceiverRecord } from '../../tests/fleet-records.ts'
import { distanceKm } from './geo.ts'
import type { RelayRecord, TransceiverRecord } from './record.ts'
import { buildSnapshot } from './snapshot.ts'
import type { FleetSnapshot } from './snapshot.ts'
import { MAX_TRANSCEIVER_CHOICES, steer } from './steer.ts'
import type { ClientPlace, Steering } from './steer.ts'
import { epochSecondsOf } from '#shared/time'

const PLACES = {
  frankfurt: { region: 'frankfurt', latitude: 50.11, longitude: 8.68 },
  dublin: { region: 'dublin', latitude: 53.35, longitude: -6.26 },
  newYork: { region: 'new-york', latitude: 40.71, longitude: -74.01 },
  tokyo: { region: 'tokyo', latitude: 35.68, longitude: 139.69 },
}
const MUNICH: ClientPlace = { coordinates: { latitude: 48.14, longitude: 11.58 } }

describe('relays', () => {
  const frankfurt = relayRecord({ ...PLACES.frankfurt, id: 'fra-1' })
  const dublin = relayRecord({ ...PLACES.dublin, id: 'dub-1' })
  const newYork = relayRecord({ ...PLACES.newYork, id: 'nyc-1' })

  test('are the nearest, and the nearest of another region', () => {
    const twin = { ...frankfurt, id: 'fra-2' }
    expect(relayIds(MUNICH, [newYork, dublin, twin, frankfurt])).toEqual(['fra-1', 'dub-1'])
  })

  test('carry what the answer needs and no more', () => {
    const { id, region, vips } = frankfurt
    expect(steered(MUNICH, [frankfurt]).relays).toEqual([{ id, region, vips }])
  })

  test('may share a region if there is no other', () => {
    expect(relayIds(MUNICH, [{ ...frankfurt, id: 'fra-2' }, frankfurt])).toEqual(['fra-1', 'fra-2'])
  })

  test('of one region are taken by load before id', () => {
    expect(
      relayIds(MUNICH, [
        { ...frankfurt, flows: 9 },
        { ...frankfurt, id: 'fra-2', flows: 8 },
      ]),
    ).toEqual(['fra-2', 'fra-1'])
    const large = { ...frankfurt, id: 'fra-2', flows: 50, capacity: 1_000 }
    expect(relayIds(MUNICH, [{ ...frankfurt, flows: 9 }, large])[0]).toBe('fra-2')
  })

  test('that drain or are full are passed over and counted', () => {
    const { relays, reasons } = steered(MUNICH, [
      { ...frankfurt, draining: true },
      { ...dublin, flows: 100 },
      newYork,
    ])
    expect(relays.map(({ id }) => id)).toEqual(['nyc-1'])
    expect(reasons).toMatchObject({ draining: 1, full: 1 })
  })

  test('are chosen by country before continent when there are no coordinates', () => {
    const fleet = [frankfurt, dublin, newYork]
    expect(relayIds({ country: 'IE', continent: 'EU' }, fleet)[0]).toBe('dub-1')
    expect(steered({ country: 'IE', continent: 'EU' }, fleet).reasons.placedBy).toBe('country')
    expect(steered({ country: 'T1', continent: 'EU' }, fleet).reasons.placedBy).toBe('continent')
    expect(steered({ ...MUNICH, country: 'US' }, fleet).relays[0]?.id).toBe('fra-1')
  })

  test('give a client on IPv6 one that it reaches over IPv6, if any has it', () => {
    const vips = [...newYork.vips, { address: '2001:db8::1', udpPorts: [3478], tcpPorts: [] }]
    const onIpv6 = { ...MUNICH, isIpv6: true }
    const fleet = [frankfurt, dublin, { ...newYork, vips }]
    expect(relayIds(MUNICH, fleet)).toEqual(['fra-1', 'dub-1'])
    expect(relayIds(onIpv6, fleet)).toEqual(['fra-1', 'nyc-1'])
    expect(steered(onIpv6, fleet).reasons.relays[1]?.reason).toBe('ipv6')
    expect(relayIds(onIpv6, [{ ...frankfurt, vips }, dublin, newYork])).toEqual(['fra-1', 'dub-1'])
    expect(relayIds(onIpv6, [frankfurt, dublin, newYork])).toEqual(['fra-1', 'dub-1'])
  })

  test('are chosen by continent when there are no coordinates', () => {
    const fleet = [frankfurt, newYork, relayRecord({ ...PLACES.tokyo, id: 'tyo-1' })]
    expect(relayIds({ continent: 'NA' }, fleet)).toEqual(['nyc-1', 'fra-1'])
    expect(relayIds({ continent: 'AS' }, fleet)[0]).toBe('tyo-1')
    expect(steered({ continent: 'AS' }, fleet).reasons.placedBy).toBe('continent')
  })

  test('are chosen by load when nobody knows where the client is', () => {
    const fleet = [
      { ...frankfurt, flows: 2 },
      { ...newYork, flows: 1 },
      { ...dublin, flows: 3 },
    ]
    expect(relayIds({}, fleet)).toEqual(['nyc-1', 'fra-1'])
    expect(steered({ continent: 'T1' }, fleet).reasons).toMatchObject({
      placedBy: 'load',
      relays: [{ id: 'nyc-1', reason: 'least-loaded', load: 0.01 }, { reason: 'another-region' }],
    })
  })
})

describe('transceivers', () => {
  test('rank by distance from the first relay, not from the client', () => {
    const relays = [relayRecord({ ...PLACES.newYork, id: 'nyc' })]
    const transceivers = [
      transceiverRecord({ ...PLACES.frankfurt, id: 'fra' }),
      transceiverRecord({ ...PLACES.newYork, id: 'nyc' }),
      transceiverRecord({ ...PLACES.dublin, id: 'dub' }),
    ]
    expect(steered(MUNICH, relays, transceivers).transceivers.map(({ id }) => id)).toEqual([
      'nyc',
      'dub',
      'fra',
    ])
  })

  test('of another cluster have the last place, so that a cluster may fail as one', () => {
    const here = ['a', 'b', 'c', 'd'].map((id, i) => transceiverRecord({ id, transceiver: i }))
    const there = transceiverRecord({ ...PLACES.tokyo, id: 'tyo', cluster: 2 })
    const { transceivers, reasons } = steered(MUNICH, [relayRecord()], [...here, there])
    expect(transceivers.map(({ id }) => id)).toEqual(['a', 'b', 'tyo'])
    expect(reasons.transceivers.map(({ reason }) => reason)).toEqual(['nearest', 'next', 'another-cluster'])
  })

  test('of the cluster with more room come first within a region, however idle one of the others is', () => {
    const busy = [
      transceiverRecord({ id: 'a', transceiver: 1, sessions: 1 }),
      transceiverRecord({ id: 'b', transceiver: 2, sessions: 99 }),
    ]
    const idle = transceiverRecord({ id: 'c', cluster: 2, sessions: 20 })
    const choice = (transceivers: TransceiverRecord[]) =>
      steered(MUNICH, [relayRecord()], transceivers).transceivers.map(({ id }) => id)
    expect(choice([...busy, idle])).toEqual(['c', 'a', 'b'])
    expect(choice([busy[0]!, { ...busy[1]!, draining: true }, idle])).toEqual(['a', 'c'])
  })

  test('are as many as may be tried, and those with room', () => {
    const transceivers = ['a', 'b', 'c', 'd', 'e'].map((id, i) =>
      transceiverRecord({ id, sessions: 100 - i }),
    )
    expect(steered(MUNICH, [relayRecord()], transceivers).transceivers.map(({ id }) => id)).toEqual([
      'e',
      'd',
      'c',
    ])
  })
})

describe('faults', () => {
  const relay = relayRecord()
  const transceiver = transceiverRecord()

  test.each([
    ['no-relay', [], [transceiver]],
    ['no-relay', [{ ...relay, draining: true }], [transceiver]],
    ['no-transceiver', [relay], []],
    ['no-transceiver', [relay], [{ ...transceiver, draining: true, sessions: 100 }]],
    [
      'full',
      [
        { ...relay, flows: 100 },
        { ...relay, id: 'r2', draining: true },
      ],
      [transceiver],
    ],
    ['full', [relay], [{ ...transceiver, capacity: 0 }]],
  ] as const)('says %s', (fault, relays, transceivers) => {
    expect(steer(MUNICH, fleetOf(relays, transceivers))).toBe(fault)
  })
})

test('explains each choice', () => {
  const relays = [
    relayRecord({ ...PLACES.frankfurt, id: 'fra', flows: 25 }),
    relayRecord({ ...PLACES.dublin, id: 'dub' }),
  ]
  const transceivers = [
    transceiverRecord({ ...PLACES.frankfurt, id: 't-fra' }),
    transceiverRecord({ ...PLACES.dublin, id: 't-dub' }),
  ]
  expect(steered(MUNICH, relays, transceivers).reasons).toEqual({
    placedBy: 'coordinates',
    relays: [
      { id: 'fra', region: 'frankfurt', reason: 'nearest', distanceKm: 304, load: 0.25 },
      { id: 'dub', region: 'dublin', reason: 'another-region', distanceKm: 1_378, load: 0 },
    ],
    transceivers: [
      { id: 't-fra', region: 'frankfurt', reason: 'nearest', distanceKm: 0, load: 0 },
      { id: 't-dub', region: 'dublin', reason: 'next', distanceKm: 1_088, load: 0 },
    ],
    draining: 0,
    full: 0,
  })
})

describe('whatever the fleet', () => {
  const place = fc.record({
    latitude: fc.integer({ min: -90, max: 90 }),
    longitude: fc.integer({ min: -180, max: 180 }),
  })
  const client = fc.oneof(
    place.map((coordinates): ClientPlace => ({ coordinates })),
    fc.constantFrom<ClientPlace>({ continent: 'EU' }, {}),
  )
  const status = fc.record({ draining: fc.boolean(), capacity: fc.nat(3) })
  const used = fc.nat(3)
  const region = fc.constantFrom('r1', 'r2', 'r3')
  const relays = fc
    .array(fc.tuple(place, status, region, used), { maxLength: 6 })
    .map((nodes) =>
      nodes.map(([at, status, region, flows], i) =>
        relayRecord({ ...at, ...status, region, flows, id: `r${i}` }),
      ),
    )
  const transceivers = fc
    .array(fc.tuple(place, status, region, used), { maxLength: 6 })
    .map((nodes) =>
      nodes.map(([at, status, region, sessions], i) =>
        transceiverRecord({ ...at, ...status, region, sessions, id: `t${i}`, transceiver: i }),
      ),
    )

  test('no choice drains or is full, none comes twice, and there are not too many', () => {
    fc.assert(
      fc.property(client, relays, transceivers, (client, relays, transceivers) => {
        const steering = steer(client, fleetOf(relays, transceivers))
        if (typeof steering === 'string') return
        const chosen = steering.relays.map(({ id }) => relays.find((relay) => relay.id === id)!)
        expect(chosen.every((relay) => !relay.draining && relay.flows < relay.capacity)).toBe(true)
        expect(steering.transceivers.every((node) => !node.draining && node.sessions < node.capacity)).toBe(
          true,
        )
        expect(new Set(chosen).size).toBe(chosen.length)
        expect(new Set(steering.transceivers).size).toBe(steering.transceivers.length)
        expect(chosen.length).toBeLessThanOrEqual(2)
        expect(steering.transceivers.length).toBeLessThanOrEqual(MAX_TRANSCEIVER_CHOICES)
      }),
    )
  })

  test('two relays stand in different regions if any two with room do', () => {
    fc.assert(
      fc.property(client, relays, (client, relays) => {
        const steering = steer(client, fleetOf(relays, [transceiverRecord()]))
        if (typeof steering === 'string') return
        const open = relays.filter((relay) => !relay.draining && relay.flows < relay.capacity)
        const regions = Math.min(2, new Set(open.map(({ region }) => region)).size)
        expect(new Set(steering.relays.map(({ region }) => region)).size).toBe(regions)
        expect(steering.relays).toHaveLength(Math.min(2, open.length))
      }),
    )
  })

  test('the order of the records makes no difference', () => {
    fc.assert(
      fc.property(client, relays, transceivers, fc.nat(), (client, relays, transceivers, turn) => {
        const rotate = <T>(list: T[]) => [...list.slice(turn % 6), ...list.slice(0, turn % 6)]
        expect(steer(client, fleetOf(rotate(relays), rotate(transceivers)))).toEqual(
          steer(client, fleetOf(relays, transceivers)),
        )
      }),
    )
  })

  test('a farther region never changes the first choice', () => {
    fc.assert(
      fc.property(place, relays, place, (coordinates, relays, newPlace) => {
        const fleet = fleetOf(relays, [transceiverRecord()])
        const steering = steer({ coordinates }, fleet)
        if (typeof steering === 'string') return
        const [first] = steering.relays
        const nearest = Math.min(
          ...relays
            .filter(
              ({ region, draining, flows, capacity }) =>
                region === first?.region && !draining && flows < capacity,
            )
            .map((relay) => distanceKm(coordinates, relay)),
        )
        fc.pre(distanceKm(coordinates, newPlace) > nearest)
        const farther = relayRecord({ ...newPlace, id: 'new', region: 'elsewhere' })
        const after = steer({ coordinates }, fleetOf([...relays, farther], [transceiverRecord()]))
        expect(typeof after !== 'string' && after.relays[0]).toEqual(first)
      }),
    )
  })
})

function fleetOf(relays: readonly RelayRecord[], transceivers: readonly TransceiverRecord[]): FleetSnapshot {
  return { ...buildSnapshot([], epochSecondsOf(0)), relays, transceivers }
}

function steered(
  client: ClientPlace,
  relays: readonly RelayRecord[],
  transceivers: readonly TransceiverRecord[] = [transceiverRecord()],
): Steering {
  const steering = steer(client, fleetOf(relays, transceivers))
  if (typeof steering === 'string') throw new Error(steering)
  return steering
}

function relayIds(client: ClientPlace, relays: readonly RelayRecord[]): string[] {
  return steered(client, relays).relays.map(({ id }) => id)
}
