/** The child's side of a measured server: it answers each line with one line of JSON. `LineProcess` is the other side. */

import { readdirSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** A server to be measured. */
export interface MeasuredServer {
  /** Takes an offer, returns the answer or why there is none, and echoes what the client says. */
  readonly place: (offer: string) => Promise<string | Refusal>
  /** Ends every call. */
  readonly endAll: () => void | Promise<void>
  /** Further numbers for the report. */
  readonly counts?: () => Readonly<Record<string, number>>
}

/** A call that a server does not take. */
export interface Refusal {
  readonly refused: string
}

/** What a server has used so far. */
export interface ServerReport {
  readonly cpuMicros: number
  readonly rssBytes: number
  /** Open files and sockets, and what keeps the event loop alive. */
  readonly descriptors: number
  readonly handles: number
  readonly [count: string]: number
}

/** Serves lines until the process is killed: `place <JSON offer>`, `end-all`, `collect`, `report`. */
export function serveLines(server: MeasuredServer): void {
  answer('ready')
  createInterface({ input: process.stdin }).on('line', (line) => {
    void answerTo(line, server).then((result) => answer(JSON.stringify(result)))
  })
}

/** Not by the console, whose part in a call would show. */
function answer(line: string | undefined): void {
  writeSync(STANDARD_OUTPUT, `${line}\n`)
}

const STANDARD_OUTPUT = 1

async function answerTo(line: string, server: MeasuredServer): Promise<unknown> {
  const [command = '', argument = ''] = line.split(/ (.*)/s)
  switch (command) {
    case 'place':
      return server.place(JSON.parse(argument) as string)
    case 'end-all':
      return server.endAll()
    case 'collect':
      return globalThis.gc?.()
    default:
      return report(server)
  }
}

/** User and system time of all threads of the process. */
function report(server: MeasuredServer): ServerReport {
  const { user, system } = process.cpuUsage()
  return {
    cpuMicros: user + system,
    rssBytes: process.memoryUsage().rss,
    descriptors: readdirSync('/proc/self/fd').length,
    handles: process.getActiveResourcesInfo().length,
    ...server.counts?.(),
  }
}
