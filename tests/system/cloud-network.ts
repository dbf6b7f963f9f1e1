/**
 * The network of terraform/ on one machine: Linux network namespaces joined by veth pairs.
 *
 *     client ── internet ── relay-1, relay-2        each relay has its VIP on loopback, as behind a passthrough balancer
 *                  │            │ │
 *                edge ──────── private ── transceiver        10.10.0.0/24, jumbo frames; no way to the internet
 *
 * `edge` stands for what nodes reach through NAT and tunnels: the store and the Worker. There are no port filters.
 */

import { spawnSync } from 'node:child_process'

/** The machines, and their addresses. */
export const CLOUD = {
  client: { internet: '198.51.100.2' },
  edge: { internet: '198.51.100.6', private: '10.10.0.2' },
  'relay-1': { internet: '192.0.2.2', private: '10.10.0.11', vip: '203.0.113.1' },
  'relay-2': { internet: '192.0.2.6', private: '10.10.0.12', vip: '203.0.113.2' },
  transceiver: { private: '10.10.0.21' },
} as const

/** A machine of the network. */
export type Machine = keyof typeof CLOUD

/** Why there can be no such network here; undefined: there can. */
export function whyNoNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  const probe = `firsthop-probe-${process.pid}`
  const made = spawnSync('ip', ['netns', 'add', probe], { encoding: 'utf8' })
  if (made.error !== undefined) return 'ip is not installed'
  if (made.status !== 0) return `network namespaces cannot be made here: ${made.stderr.trim()}`
  spawnSync('ip', ['netns', 'delete', probe])
  return spawnSync('setpriv', ['--version']).status === 0 ? undefined : 'setpriv is not installed'
}

/** The network, until it is closed. */
export class CloudNetwork {
  readonly #prefix = `firsthop-${process.pid}-`

  constructor() {
    for (const name of ['internet', 'private', ...Object.keys(CLOUD)])
      this.#ip('netns', 'add', this.#of(name))
    for (const name of ['internet', 'private', ...Object.keys(CLOUD)])
      this.#in(name, 'link', 'set', 'lo', 'up')
    this.#in('private', 'link', 'add', 'switch', 'mtu', '8896', 'type', 'bridge')
    this.#in('private', 'link', 'set', 'switch', 'up')
    spawnSync('ip', ['netns', 'exec', this.#of('internet'), 'sysctl', '-qw', 'net.ipv4.ip_forward=1'])
    for (const [index, [name, addresses]] of Object.entries(CLOUD).entries()) {
      if ('internet' in addresses) this.#joinInternet(name, addresses.internet, index)
      if ('private' in addresses) this.#joinPrivate(name, addresses.private, index)
      if ('vip' in addresses) this.#giveVip(name, addresses.vip, addresses.internet)
    }
  }

  /** The command that runs the program in `machine`, as nobody with no capability but those of `capabilities`. */
  unprivileged(machine: Machine, capabilities: readonly string[] = []): string[] {
    const kept = ['-all', ...capabilities.map((capability) => `+${capability}`)].join(',')
    const ids = ['--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs']
    return [
      ...this.privileged(machine),
      'setpriv',
      ...ids,
      `--inh-caps=${kept}`,
      `--ambient-caps=${kept}`,
      `--bounding-set=${kept}`,
    ]
  }

  /** The command that runs a program in `machine` as it is run here. */
  privileged(machine: Machine): string[] {
    return ['ip', 'netns', 'exec', this.#of(machine)]
  }

  close(): void {
    for (const name of ['internet', 'private', ...Object.keys(CLOUD)]) {
      spawnSync('ip', ['netns', 'delete', this.#of(name)])
    }
  }

  #joinInternet(name: string, address: string, index: number): void {
    const gateway = address.replace(/\d+$/, (last) => String(Number(last) - 1))
    this.#joinBy(name, `i${index}`, 'internet')
    this.#in('internet', 'address', 'add', `${gateway}/30`, 'dev', `i${index}`)
    this.#in(name, 'address', 'add', `${address}/30`, 'dev', `i${index}`)
    this.#in(name, 'route', 'add', 'default', 'via', gateway)
  }

  #joinPrivate(name: string, address: string, index: number): void {
    this.#joinBy(name, `p${index}`, 'private', '8896')
    this.#in('private', 'link', 'set', `p${index}`, 'master', 'switch')
    this.#in(name, 'address', 'add', `${address}/24`, 'dev', `p${index}`)
  }

  /** As firsthop-vip.service does on a relay, and the balancer before it. */
  #giveVip(name: string, vip: string, via: string): void {
    this.#in(name, 'address', 'add', `${vip}/32`, 'dev', 'lo')
    this.#in('internet', 'route', 'add', `${vip}/32`, 'via', via)
  }

  #joinBy(name: string, cable: string, to: string, mtu = '1500'): void {
    const [here, there] = [this.#of(name), this.#of(to)]
    this.#ip(
      'link',
      'add',
      cable,
      'mtu',
      mtu,
      'netns',
      here,
      'type',
      'veth',
      'peer',
      'name',
      cable,
      'mtu',
      mtu,
      'netns',
      there,
    )
    this.#in(name, 'link', 'set', cable, 'up')
    this.#in(to, 'link', 'set', cable, 'up')
  }

  #in(name: string, ...args: readonly string[]): void {
    this.#ip('-netns', this.#of(name), ...args)
  }

  #ip(...args: readonly string[]): void {
    const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`)
  }

  #of(name: string): string {
    return this.#prefix + name
  }
}
