/** Who is measured: the relay, what it is measured against, and the load generator that each of them gets. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { toHex } from '#shared/bytes'
import { randomBytes } from '#shared/platform/crypto'
import { freePorts } from '../../scripts/start/free-ports.ts'
import { encodeCheckedFlows, encodePlainFlows, encodeTurnFlows } from './flows.ts'
import { LineProcess } from './line-process.ts'
import { installedAt, nginxCommand, turnserverCommand } from './servers.ts'

/** The names, in the order of the table. */
export const CONTENDERS = ['relay', 'forwarder', 'dgram', 'floor', 'nginx', 'coturn'] as const

/** One of those that are measured. */
export type ContenderName = (typeof CONTENDERS)[number]

/** A contender with its load generator. */
export interface Contender {
  readonly name: ContenderName
  readonly process: LineProcess
  readonly load: LineProcess
}

/** A folder with the compiled C programs and the flows; removed by `remove`. */
export interface Workshop {
  readonly folder: string
  readonly routeKey: Uint8Array
  remove(): void
}

/** A contender's command, and what its load generator must know of it. */
interface Setup {
  readonly command: readonly [string, ...string[]]
  /** How packets come out of it: docs of `bench/c/load.c`. */
  readonly mode: 'link' | 'plain' | 'count'
  readonly flows: Uint8Array
}

/** Returns the contenders that this machine has; the servers are Debian packages, and optional. */
export function availableContenders(): ContenderName[] {
  const needed = { nginx: 'nginx', coturn: 'turnserver' } as const
  return CONTENDERS.filter(
    (name) => !(name in needed) || installedAt(needed[name as keyof typeof needed]) !== undefined,
  )
}

/** Compiles the C programs; throws when there is no gcc. */
export function openWorkshop(): Workshop {
  const folder = mkdtempSync(`${tmpdir()}/firsthop-bench-`)
  for (const program of ['forwarder', 'receiver', 'load']) {
    const output = `${folder}/${program}`
    execFileSync('gcc', ['-O2', '-o', output, `${C_FOLDER}${program}.c`], { stdio: 'inherit' })
  }
  writeFileSync(`${folder}/counter`, new Uint8Array(8))
  return { folder, routeKey: randomBytes(16), remove: () => rmSync(folder, { recursive: true }) }
}

/** Starts a contender and its load generator, each on a processor of its own, and has every flow opened the real way. */
export async function startContender(
  name: ContenderName,
  workshop: Workshop,
  flows: number,
): Promise<Contender> {
  const ports = await freePorts(3)
  const { folder } = workshop
  const setup = setupOf(name, workshop, ports, flows)
  const flowsFile = `${folder}/flows-${name}`
  writeFileSync(flowsFile, setup.flows)
  const process = await LineProcess.start(pinned(CONTENDER_PROCESSOR, setup.command))
  const argumentsOfLoad = [process.pid, ...ports, setup.mode, flowsFile, `${folder}/counter`]
  const load = await LineProcess.start(
    pinned(LOAD_PROCESSOR, [`${folder}/load`, ...argumentsOfLoad.map(String)]),
  )
  await load.ask(`open ${flows}`)
  return { name, process, load }
}

function setupOf(name: ContenderName, workshop: Workshop, ports: readonly number[], flows: number): Setup {
  const { folder, routeKey } = workshop
  const [clientPort = 0, , peerPort = 0] = ports
  const given = ports.map(String)
  const checked = { mode: 'link', flows: encodeCheckedFlows(flows, routeKey) } as const
  const plain = { mode: 'plain', flows: encodePlainFlows(flows) } as const
  switch (name) {
    case 'relay':
      return {
        ...checked,
        command: [NODE, '--expose-gc', `${HERE}relay-process.ts`, ...given, toHex(routeKey)],
      }
    case 'forwarder':
      return { ...checked, command: [`${folder}/forwarder`, ...given] }
    case 'dgram':
      return { ...checked, command: [NODE, `${HERE}dgram-process.ts`, ...given] }
    case 'floor':
      return {
        ...plain,
        mode: 'count',
        command: [`${folder}/receiver`, String(clientPort), `${folder}/counter`],
      }
    case 'nginx':
      return { ...plain, command: nginxCommand(folder, clientPort, peerPort) }
    case 'coturn':
      return {
        mode: 'plain',
        flows: encodeTurnFlows(flows, peerPort, PACKET_BYTES),
        command: turnserverCommand(folder, clientPort),
      }
  }
}

/** Keeps a command on one processor; without `taskset`, or with one processor, it runs where it may. */
function pinned(processor: number, command: readonly [string, ...string[]]): [string, ...string[]] {
  if (availableParallelism() < 2 || installedAt('taskset') === undefined) return [...command]
  return ['taskset', '-c', String(processor), ...command]
}

const NODE = process.execPath
const HERE = fileURLToPath(new URL('.', import.meta.url))
const C_FOLDER = fileURLToPath(new URL('../c/', import.meta.url))
const LOAD_PROCESSOR = 0
const CONTENDER_PROCESSOR = 1
/** As `bench/c/load.c` has it. */
const PACKET_BYTES = 160
