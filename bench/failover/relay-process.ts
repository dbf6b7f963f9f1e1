/** A relay that the benchmark kills and starts again, under the same identity and on the same ports. */

import { Child } from '../../scripts/start/child.ts'
import { machineNow } from './arrivals.ts'

/** Where a relay is reached. */
export interface RelaySite {
  /** What answers advertise, and what the client ports are bound to: another address when a balancer has the VIP. */
  readonly vip: string
  readonly bind: string
  readonly clientPorts: readonly number[]
  readonly linkPort: number
  readonly adminPort: number
  readonly threads: number
}

/** A relay's process. */
export class RelayProcess {
  readonly id: string
  readonly site: RelaySite
  readonly #child: Child
  #startedAt = 0
  #readyAt = 0

  constructor(index: number, site: RelaySite, environment: Readonly<Record<string, string>>) {
    this.id = `relay-${index + 1}`
    this.site = site
    this.#child = new Child(
      this.id,
      process.execPath,
      ['relay-nodes/main.ts'],
      this.#environment(environment),
      {
        readyUrl: `http://127.0.0.1:${site.adminPort}/readyz`,
        onLine: (_, line) => this.#handleLine(line),
        supervise: false,
      },
    )
  }

  /** Milliseconds from the last start of the process to its word that it is ready. */
  get startMillis(): number {
    return this.#readyAt - this.#startedAt
  }

  /** The process id; undefined while it does not run. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  async start(): Promise<void> {
    this.#startedAt = machineNow()
    await this.#child.start()
  }

  /** Kills it with SIGKILL; resolves when it is gone. */
  kill(): Promise<void> {
    return this.#child.kill()
  }

  /** Has the next of its threads crash. */
  crashThread(): void {
    if (this.#child.pid !== undefined) process.kill(this.#child.pid, 'SIGUSR2')
  }

  #handleLine(line: string): void {
    if (line.includes('"The relay is ready"')) this.#readyAt = machineNow()
  }

  #environment(shared: Readonly<Record<string, string>>): Record<string, string> {
    const { vip, bind, clientPorts, linkPort, adminPort, threads } = this.site
    return {
      ...shared,
      FIRSTHOP_NODE_ID: this.id,
      FIRSTHOP_VIP: vip,
      FIRSTHOP_CLIENT_BIND: bind,
      FIRSTHOP_CLIENT_PORTS: clientPorts.join(','),
      FIRSTHOP_LINK: `127.0.0.1:${linkPort}`,
      FIRSTHOP_ADMIN: `127.0.0.1:${adminPort}`,
      FIRSTHOP_THREADS: String(threads),
      FIRSTHOP_FAULTS: 'true',
    }
  }
}
