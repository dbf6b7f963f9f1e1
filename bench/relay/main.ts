/**
 * `npm run bench:relay`: packets per CPU-second of one relay thread, against a C forwarder, Node's dgram and a
 * program that only receives, and nginx and coturn where they are installed, in one run. docs/benchmarks.md
 * explains the method.
 *
 * `--quick` runs fewer and shorter rounds; `--json` prints the figures as one JSON object on the last line.
 */

import { FlowTable } from '../../relay-nodes/core/flow-table.ts'
import { availableContenders, CONTENDERS, openWorkshop, startContender } from './contenders.ts'
import type { Contender, ContenderName } from './contenders.ts'

type Direction = 'uplink' | 'downlink'

/** Packets per CPU-second, one for each round. */
type Rates = Map<string, number[]>

const isQuick = process.argv.includes('--quick')
const rounds = isQuick ? 3 : 7
const millis = isQuick ? 200 : 450
const FLOWS = [64, 4096] as const
const MAX_FLOWS = Math.max(...FLOWS)
/** The transceiver bundles what it sends to one relay in one turn; the forwarder reads one frame for each datagram. */
const FRAMES_PER_DATAGRAM = 8
const SETTLE_MILLIS = 50
/** V8 has compiled what it will compile after so many packets of either direction, or the bench goes on without. */
const WARM_PACKETS = 400_000
const WARM_SECONDS = isQuick ? 1 : 8
/** The heap is measured over so many packets, in so many runs, each for so long at most. */
const ALLOCATION_PACKETS = 1_000_000
const ALLOCATION_RUNS = 2
const ALLOCATION_SECONDS = isQuick ? 2 : 12

const names = availableContenders()
for (const name of CONTENDERS) if (!names.includes(name)) console.error(`${name} is not installed: left out`)
const workshop = openWorkshopOrExit()
const contenders: Contender[] = []
try {
  for (const name of names) contenders.push(await startContender(name, workshop, MAX_FLOWS))
  for (const contender of contenders) await warm(contender)
  const rates: Rates = new Map()
  for (let round = 0; round < rounds; round++) {
    // Whoever comes first in one round comes last in the next: the machine warms and cools.
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed()) {
      for (const direction of directionsOf(contender)) {
        for (const flows of FLOWS) await measure(contender, direction, flows, rates)
      }
    }
  }
  report(rates, await measureAllocation(contenders[0]))
} finally {
  await Promise.all(contenders.flatMap(({ load, process: child }) => [load.end(), child.end()]))
  workshop.remove()
}

function directionsOf({ name }: Contender): Direction[] {
  return name === 'floor' ? ['uplink'] : ['uplink', 'downlink']
}

async function warm(contender: Contender): Promise<void> {
  for (const direction of directionsOf(contender)) {
    const endsAt = performance.now() + WARM_SECONDS * 1_000
    let warmed = 0
    while (warmed < WARM_PACKETS && performance.now() < endsAt) {
      warmed += (await offer(contender, direction, MAX_FLOWS, millis)).packets
      if (contender.name !== 'relay' && contender.name !== 'dgram') break
    }
  }
}

async function measure(
  contender: Contender,
  direction: Direction,
  flows: number,
  rates: Rates,
): Promise<void> {
  const { packets, nanos } = await offer(contender, direction, flows, millis)
  const key = keyOf(contender.name, direction, flows)
  rates.set(key, [...(rates.get(key) ?? []), packets / (nanos / 1e9)])
}

/** Has packets forwarded for a while; returns how many there were and what CPU time they took. */
async function offer(
  { name, load }: Contender,
  direction: Direction,
  flows: number,
  duration: number,
): Promise<{ packets: number; nanos: number }> {
  const frames = name === 'relay' ? FRAMES_PER_DATAGRAM : 1
  const shape = direction === 'uplink' ? `uplink ${flows}` : `downlink ${flows} ${frames}`
  const answer = await load.ask(`${shape} ${SETTLE_MILLIS} ${duration}`)
  const [packets = 0, nanos = 1] = answer.split(' ').map(Number)
  return { packets, nanos }
}

/** Returns the least growth of the relay's heap for each packet, in a few runs: what still collects would hide some. */
async function measureAllocation(relay: Contender | undefined): Promise<number> {
  if (relay === undefined) return Number.NaN
  const growths: number[] = []
  for (let run = 0; run < ALLOCATION_RUNS; run++) growths.push(await heapGrowth(relay))
  return Math.min(...growths.filter((growth) => growth >= 0))
}

/** The heap's growth over many packets both ways, less what the report itself takes, for each packet. */
async function heapGrowth({ process: child, ...rest }: Contender): Promise<number> {
  const ask = async () => JSON.parse(await child.ask('report')) as Report
  await child.ask('collect')
  const [first, before] = [await ask(), await ask()]
  const endsAt = performance.now() + ALLOCATION_SECONDS * 1_000
  let after = before
  while (after.forwarded - before.forwarded < ALLOCATION_PACKETS && performance.now() < endsAt) {
    for (const direction of ['uplink', 'downlink'] as const) {
      await offer({ process: child, ...rest }, direction, MAX_FLOWS, millis)
    }
    after = await ask()
  }
  const ofReport = before.heapUsed - first.heapUsed
  return (after.heapUsed - before.heapUsed - ofReport) / (after.forwarded - before.forwarded)
}

interface Report {
  readonly forwarded: number
  readonly heapUsed: number
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
  printTable(rates, figures)
  if (process.argv.includes('--json')) console.log(JSON.stringify(figures))
}

/** The relay's rate against another's, round by round: both had the same moment of the machine. */
function ratios(rates: Rates, name: ContenderName, direction: Direction, flows: number): number[] {
  const others = rates.get(keyOf(name, direction, flows)) ?? []
  return (rates.get(keyOf('relay', direction, flows)) ?? []).map((rate, round) => rate / (others[round] ?? 1))
}

function printTable(rates: Rates, figures: object): void {
  console.log('thousand packets per CPU-second, 160-byte packets: median [10 %, 90 %] of', rounds, 'rounds\n')
  console.log('                      ', names.map((name) => name.padStart(20)).join(''))
  for (const direction of ['uplink', 'downlink'] as const) {
    for (const flows of FLOWS) {
      const cells = names.map((name) => cell(rates.get(keyOf(name, direction, flows))).padStart(20))
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
    return openWorkshop()
  } catch (error) {
    console.error(
      `The references are C programs and need gcc (apt-get install gcc libc6-dev): ${(error as Error).message}`,
    )
    process.exit(1)
  }
}
