/**
 * `npm run bench:relay`: packets per CPU-second of one relay thread, against a C forwarder, Node's dgram and a
 * program that only receives, in one run. docs/benchmarks.md explains the method.
 *
 * `--quick` runs fewer and shorter rounds; `--json` prints the figures as one JSON object on the last line.
 */

import { FlowTable } from '../../relay-nodes/core/flow-table.ts'
import { CONTENDERS, openWorkshop, startContender } from './contenders.ts'
import type { Contender, ContenderName } from './contenders.ts'

type Direction = 'uplink' | 'downlink'

/** Packets per CPU-second, one for each round. */
type Rates = Map<string, number[]>

const isQuick = process.argv.includes('--quick')
const rounds = isQuick ? 5 : 15
const millis = isQuick ? 300 : 600
const FLOWS = [64, 4096] as const
/** The transceiver bundles what it sends to one relay in one turn; the forwarder reads one frame for each datagram. */
const FRAMES_PER_DATAGRAM = 8
const WARM_MILLIS = 60

const workshop = openWorkshopOrExit()
const contenders: Contender[] = []
try {
  for (const name of CONTENDERS) contenders.push(await startContender(name, workshop, Math.max(...FLOWS)))
  const rates: Rates = new Map()
  for (let round = 0; round < rounds; round++) {
    // Whoever comes first in one round comes last in the next: the machine warms and cools.
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      for (const flows of FLOWS) await measure(contender, 'uplink', flows, rates)
      if (contender.name !== 'floor')
        for (const flows of FLOWS) await measure(contender, 'downlink', flows, rates)
    }
  }
  const allocatedBytesPerPacket = await measureAllocation(contenders[0])
  report(rates, allocatedBytesPerPacket)
} finally {
  await Promise.all(contenders.flatMap(({ load, process: child }) => [load.end(), child.end()]))
  workshop.remove()
}

async function measure(
  contender: Contender,
  direction: Direction,
  flows: number,
  rates: Rates,
): Promise<void> {
  const frames = contender.name === 'relay' ? FRAMES_PER_DATAGRAM : 1
  const shape = direction === 'uplink' ? `uplink ${flows}` : `downlink ${flows} ${frames}`
  const answer = await contender.load.ask(`${shape} ${WARM_MILLIS} ${millis}`)
  const [packets = 0, nanos = 1] = answer.split(' ').map(Number)
  const key = keyOf(contender.name, direction, flows)
  rates.set(key, [...(rates.get(key) ?? []), packets / (nanos / 1e9)])
}

/** Bytes that the relay's heap has had allocated for each packet of one long run, after everything is warm. */
async function measureAllocation(relay: Contender | undefined): Promise<number> {
  if (relay === undefined) return Number.NaN
  const before = JSON.parse(await relay.process.ask('report')) as Report
  await relay.load.ask(`uplink 4096 ${WARM_MILLIS} ${isQuick ? 2000 : 5000}`)
  const after = JSON.parse(await relay.process.ask('report')) as Report
  return (after.allocated - before.allocated) / (after.forwarded - before.forwarded)
}

interface Report {
  readonly forwarded: number
  readonly allocated: number
}

function report(rates: Rates, allocatedBytesPerPacket: number): void {
  const flowBytes = bytesPerFlow()
  const ratio = (name: ContenderName, direction: Direction) =>
    median(FLOWS.flatMap((flows) => ratios(rates, name, direction, flows)))
  const figures = {
    uplink: {
      pktsPerCpuSecond: Math.round(
        median(FLOWS.flatMap((flows) => rates.get(keyOf('relay', 'uplink', flows)) ?? [])),
      ),
      vsCForwarder: round2(ratio('forwarder', 'uplink')),
      vsDgram: round2(ratio('dgram', 'uplink')),
      vsReceiveFloor: round2(ratio('floor', 'uplink')),
    },
    downlink: {
      vsCForwarder: round2(ratio('forwarder', 'downlink')),
      vsDgram: round2(ratio('dgram', 'downlink')),
    },
    flowBytes: round2(flowBytes),
    allocatedBytesPerPacket: round2(allocatedBytesPerPacket),
  }
  if (process.argv.includes('--json')) console.log(JSON.stringify(figures))
  else printTable(rates, figures)
}

/** The relay's rate against another's, round by round: both had the same moment of the machine. */
function ratios(rates: Rates, name: ContenderName, direction: Direction, flows: number): number[] {
  const others = rates.get(keyOf(name, direction, flows)) ?? []
  return (rates.get(keyOf('relay', direction, flows)) ?? []).map((rate, round) => rate / (others[round] ?? 1))
}

function printTable(rates: Rates, figures: object): void {
  console.log('thousand packets per CPU-second, 160-byte packets: median [10 %, 90 %] of', rounds, 'rounds\n')
  console.log('                      ', CONTENDERS.map((name) => name.padStart(20)).join(''))
  for (const direction of ['uplink', 'downlink'] as const) {
    for (const flows of FLOWS) {
      const cells = CONTENDERS.map((name) => cell(rates.get(keyOf(name, direction, flows))).padStart(20))
      console.log(`${direction}, ${flows} flows`.padEnd(23), cells.join(''))
    }
  }
  console.log(`\n${JSON.stringify(figures, undefined, 2)}`)
}

function cell(values: readonly number[] | undefined): string {
  if (values === undefined) return '-'
  const thousands = (value: number) => Math.round(value / 1000)
  return `${thousands(median(values))} [${thousands(quantile(values, 0.1))}, ${thousands(quantile(values, 0.9))}]`
}

/** Memory of a flow table for a million flows, shared out among them. */
function bytesPerFlow(): number {
  const capacity = 1_000_000
  const before = process.memoryUsage().arrayBuffers
  const table = new FlowTable(capacity, [1, 2])
  const after = process.memoryUsage().arrayBuffers
  return (after - before) / table.capacity
}

function keyOf(name: ContenderName, direction: Direction, flows: number): string {
  return `${name} ${direction} ${flows}`
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN
}

function round2(value: number): number {
  return Math.round(value * 100) / 100
}

function openWorkshopOrExit(): ReturnType<typeof openWorkshop> {
  try {
    return openWorkshop(Math.max(...FLOWS))
  } catch (error) {
    console.error(
      `The references are C programs and need gcc (apt-get install gcc libc6-dev): ${(error as Error).message}`,
    )
    process.exit(1)
  }
}
