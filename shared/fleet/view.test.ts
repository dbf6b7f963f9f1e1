import { describe, expect, test } from 'vitest'
import { epochSecondsOf } from '#shared/time'
import { relayRecord, transceiverRecord } from '../../tests/fleet-records.ts'
import type { FleetSnapshot } from './snapshot.ts'
import { FleetView } from './view.ts'

const at = epochSecondsOf

function relay(id: string, heartbeatAt: number) {
  return relayRecord({ id }, at(heartbeatAt))
}

function transceiver(id: string, heartbeatAt: number) {
  return transceiverRecord({ id }, at(heartbeatAt))
}

function idsOf(snapshot: FleetSnapshot): string[] {
  return [...snapshot.relays, ...snapshot.transceivers].map((node) => node.id)
}

describe('FleetView', () => {
  test('knows nothing before the first read', () => {
    expect(new FleetView().snapshot).toBeUndefined()
  })

  test('carries over what a former life remembered, but only through an outage', () => {
    const remembered = [relay('a', 100), transceiver('t', 100)]
    const view = new FleetView(remembered)
    expect(idsOf(view.snapshot!)).toEqual(['a', 't'])
    view.handleFailure(at(9_000))
    expect(idsOf(view.handleRecords([relay('b', 9_001)], at(9_001)))).toEqual(['a', 'b', 't'])
    expect(idsOf(view.handleRecords([relay('b', 9_015)], at(9_016)))).toEqual(['b'])
    expect(idsOf(new FleetView(remembered).handleRecords([relay('b', 9_001)], at(9_001)))).toEqual(['b'])
  })

  test('drops a node at the end of its lease while the registry is well', () => {
    const view = new FleetView()
    view.handleRecords([relay('a', 100), relay('b', 100)], at(100))
    expect(idsOf(view.handleRecords([relay('a', 115), relay('b', 100)], at(116)))).toEqual(['a'])
  })

  test('drops a node at once when it withdraws', () => {
    const view = new FleetView()
    view.handleRecords([relay('a', 100), relay('b', 100)], at(100))
    expect(idsOf(view.handleRecords([relay('a', 100)], at(101)))).toEqual(['a'])
  })

  test('carries nodes over for one lease after an outage, in which no heartbeat arrived', () => {
    const view = new FleetView()
    view.handleRecords([relay('a', 100), relay('b', 100)], at(100))
    view.handleFailure(at(200))
    const afterOutage = [relay('a', 201), relay('b', 100)]
    expect(idsOf(view.handleRecords(afterOutage, at(201)))).toEqual(['a', 'b'])
    expect(idsOf(view.handleRecords([relay('a', 214), relay('b', 100)], at(214)))).toEqual(['a', 'b'])
    expect(idsOf(view.handleRecords([relay('a', 215), relay('b', 100)], at(215)))).toEqual(['a'])
  })

  test('carries the fleet over for one lease when the registry has lost its data', () => {
    const view = new FleetView()
    view.handleRecords([relay('a', 100), relay('b', 100)], at(100))
    expect(idsOf(view.handleRecords([], at(105)))).toEqual(['a', 'b'])
    expect(idsOf(view.handleRecords([relay('b', 110)], at(110)))).toEqual(['a', 'b'])
    expect(idsOf(view.handleRecords([relay('b', 120)], at(120)))).toEqual(['b'])
  })

  test('believes in an empty registry after one lease', () => {
    const view = new FleetView()
    view.handleRecords([relay('a', 100)], at(100))
    for (let now = 101; now < 116; now++) expect(idsOf(view.handleRecords([], at(now)))).toEqual(['a'])
    expect(idsOf(view.handleRecords([], at(116)))).toEqual([])
  })

  test('carries nothing over that another node has superseded', () => {
    const view = new FleetView()
    view.handleRecords([transceiver('old', 100)], at(100))
    view.handleFailure(at(110))
    expect(idsOf(view.handleRecords([transceiver('new', 111)], at(111)))).toEqual(['new'])
  })

  test('lets a node that joins an empty registry leave it again at once', () => {
    const view = new FleetView()
    view.handleRecords([], at(99))
    view.handleRecords([relay('a', 100), relay('b', 100)], at(100))
    expect(idsOf(view.handleRecords([relay('a', 101)], at(101)))).toEqual(['a'])
  })
})
