/** Who is measured: the relay, what it is measured against, and the load generator that each of them gets. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { toHex } from '#shared/bytes'
import { randomBytes } from '#shared/platform/crypto'
import { freePorts } from '../../scripts/start/free-ports.ts'
import { encodeFlows } from './flows.ts'
import { LineProcess } from './line-process.ts'

/** The names, in the order of the table. */
export const CONTENDERS = ['relay', 'forwarder', 'dgram', 'floor'] as const

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

/** Compiles the C programs; throws when there is no gcc. */
export function openWorkshop(flows: number): Workshop {
  const folder = mkdtempSync(`${tmpdir()}/firsthop-bench-`)
  const routeKey = randomBytes(16)
  for (const program of ['forwarder', 'receiver', 'load']) {
    execFileSync('gcc', ['-O2', '-o', `${folder}/${program}`, `${C_FOLDER}${program}.c`], {
      stdio: 'inherit',
    })
  }
  writeFileSync(`${folder}/checked`, encodeFlows(flows, routeKey, true))
  writeFileSync(`${folder}/unchecked`, encodeFlows(flows, routeKey, false))
  writeFileSync(`${folder}/counter`, new Uint8Array(8))
  return { folder, routeKey, remove: () => rmSync(folder, { recursive: true }) }
}

/** Starts a contender and its load generator, and has it open every flow the real way. */
export async function startContender(
  name: ContenderName,
  workshop: Workshop,
  flows: number,
): Promise<Contender> {
  const ports = (await freePorts(3)).map(String)
  const process = await LineProcess.start(commandOf(name, workshop, ports))
  const isFloor = name === 'floor'
  const load = await LineProcess.start([
    `${workshop.folder}/load`,
    String(process.pid),
    ...ports,
    isFloor ? 'count' : 'link',
    `${workshop.folder}/${isFloor ? 'unchecked' : 'checked'}`,
    `${workshop.folder}/counter`,
  ])
  await load.ask(`open ${flows}`)
  return { name, process, load }
}

function commandOf(
  name: ContenderName,
  { folder, routeKey }: Workshop,
  ports: string[],
): [string, ...string[]] {
  switch (name) {
    case 'relay':
      return [process.execPath, `${HERE}relay-process.ts`, ...ports, toHex(routeKey)]
    case 'forwarder':
      return [`${folder}/forwarder`, ...ports]
    case 'dgram':
      return [process.execPath, `${HERE}dgram-process.ts`, ...ports]
    case 'floor':
      return [`${folder}/receiver`, ports[0] ?? '', `${folder}/counter`]
  }
}

const HERE = fileURLToPath(new URL('.', import.meta.url))
const C_FOLDER = fileURLToPath(new URL('../c/', import.meta.url))
