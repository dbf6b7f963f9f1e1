import { expect, test } from 'vitest'
import { millisOf } from '#shared/time'
import { clientWords } from '../test-packets.ts'
import { FLOW_HOLD, FLOW_IDLE_TIMEOUT, FlowTable } from './flow-table.ts'

const client = clientWords({ address: '192.0.2.1', port: 5000 })
const other = clientWords({ address: '192.0.2.2', port: 5000 })

test('leads a bound client to its upstream', () => {
  const flows = new FlowTable(4, [1, 2])
  expect(flows.find(client, 0)).toBe(-1)
  expect(flows.bind(client, 0, 3, at(0))).toBe('bound')
  expect(flows.find(client, 0)).toBe(3)
  expect(flows.find(other, 0)).toBe(-1)
  expect(flows.flowsTo(3)).toBe(1)
})

test('tells one client port of the relay from another', () => {
  const flows = new FlowTable(4, [1, 2])
  flows.bind(client, 0, 3, at(0))
  expect(flows.find(clientWords({ address: '192.0.2.1', port: 5000, listener: 1 }), 0)).toBe(-1)
})

test('keeps the flows it has when it is full', () => {
  const flows = new FlowTable(1, [1, 2])
  flows.bind(client, 0, 3, at(0))
  expect(flows.bind(other, 0, 3, at(0))).toBe('full')
  expect(flows.find(client, 0)).toBe(3)
  expect(flows.flowsTo(3)).toBe(1)
})

test('does not hand a client over while its transceiver is active', () => {
  const flows = new FlowTable(4, [1, 2])
  flows.bind(client, 0, 3, at(0))
  flows.refresh(client, 0, 3, at(5_000))
  expect(flows.bind(client, 0, 4, at(5_000 + FLOW_HOLD - 1))).toBe('held')
  expect(flows.find(client, 0)).toBe(3)
  expect(flows.bind(client, 0, 4, at(5_000 + FLOW_HOLD))).toBe('moved')
  expect(flows.find(client, 0)).toBe(4)
  expect([flows.flowsTo(3), flows.flowsTo(4)]).toEqual([0, 1])
})

test('expires a flow that its transceiver has left silent', () => {
  const flows = new FlowTable(4, [1, 2])
  flows.bind(client, 0, 3, at(0))
  flows.bind(other, 0, 3, at(1_000))
  expect(flows.expire(at(FLOW_IDLE_TIMEOUT), 9)).toBe(0)
  expect(flows.expire(at(FLOW_IDLE_TIMEOUT + 1), 9)).toBe(1)
  expect(flows.find(client, 0)).toBe(-1)
  expect(flows.flowsTo(3)).toBe(1)
})

test('lives on with what its own transceiver sends, not with what another does', () => {
  const flows = new FlowTable(4, [1, 2])
  flows.bind(client, 0, 3, at(0))
  flows.bind(other, 0, 3, at(0))
  flows.refresh(client, 0, 3, at(30_000))
  flows.refresh(other, 0, 4, at(30_000))
  expect(flows.expire(at(FLOW_IDLE_TIMEOUT + 1), 9)).toBe(1)
  expect(flows.find(client, 0)).toBe(3)
})

test('is refreshed by a repeated bind', () => {
  const flows = new FlowTable(4, [1, 2])
  flows.bind(client, 0, 3, at(0))
  expect(flows.bind(client, 0, 3, at(30_000))).toBe('refreshed')
  expect(flows.expire(at(FLOW_IDLE_TIMEOUT + 1), 9)).toBe(0)
  expect(flows.flowsTo(3)).toBe(1)
})

test('is unbound by its own upstream only', () => {
  const flows = new FlowTable(4, [1, 2])
  flows.bind(client, 0, 3, at(0))
  expect(flows.unbind(client, 0, 4)).toBe(false)
  expect(flows.unbind(other, 0, 3)).toBe(false)
  expect(flows.unbind(client, 0, 3)).toBe(true)
  expect(flows.size).toBe(0)
  expect(flows.flowsTo(3)).toBe(0)
})

test('is removed whoever it leads to', () => {
  const flows = new FlowTable(4, [1, 2])
  flows.bind(client, 0, 3, at(0))
  expect([flows.remove(other, 0), flows.remove(client, 0), flows.remove(client, 0)]).toEqual([
    false,
    true,
    false,
  ])
  expect([flows.size, flows.flowsTo(3)]).toEqual([0, 0])
})

const at = millisOf
