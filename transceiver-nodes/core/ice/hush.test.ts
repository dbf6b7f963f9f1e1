import { describe, expect, test } from 'vitest'
import { BINDING_SUCCESS } from '#shared/stun/registry'
import type { Client } from '#shared/endpoint'
import type { IcePath } from './path.ts'
import { HOME, World, parsed } from '../../test-ice-world.ts'

const CHROMIUM_RECEIVING_TIMEOUT = 2500
const STEP = 50
/** The best of four ways. */
const CLUNG = 3

/**
 * What Chromium does when it has nominated a pair before it learnt that it is not in control: it has pruned those below, and
 * checks them once nothing has come on its own for 2.5 s. It takes the first that is answered, prunes what is below
 * that one, and revives each pair whose check is answered later.
 */
class ClingingClient {
  readonly world = new World()
  readonly alive = new Set<IcePath>()
  readonly paths: readonly IcePath[]
  selected: IcePath
  isDeaf = false
  #receivedAt: number
  #commandsSeen = 0
  #turn = 0
  readonly #asked = new Set<IcePath>()

  constructor() {
    const ways = [0, 1].flatMap((listener) => [0, 1].map((vip) => ({ vip, listener })))
    // Chromium checks the best candidate first, and takes that.
    const best = ways.toReversed().map(({ vip, listener }) => this.#check(vip, listener))
    this.paths = best.toReversed()
    this.selected = this.path(CLUNG)
    this.#receivedAt = this.world.now
    this.#send()
  }

  path(rank: number): IcePath {
    return this.paths[rank] as IcePath
  }

  run(duration: number): void {
    for (let passed = 0; passed < duration; passed += STEP) {
      this.world.run(STEP)
      this.#receive()
      if (this.world.now - this.#receivedAt > CHROMIUM_RECEIVING_TIMEOUT) this.#checkNext()
      else if (passed % 1000 === 0) this.#checkPath(this.selected)
    }
  }

  #receive(): void {
    const fresh = this.world.commands.slice(this.#commandsSeen)
    this.#commandsSeen += fresh.length
    for (const command of fresh) {
      if (command.type !== 'transmit') continue
      if (command.path === this.selected) this.#receivedAt = this.world.now
      const isAnswer = parsed(command.message).type === BINDING_SUCCESS
      if (isAnswer && this.#asked.has(command.path) && !this.isDeaf) this.#revive(command.path)
    }
  }

  #revive(path: IcePath): void {
    this.#asked.delete(path)
    this.alive.add(path)
    if (this.world.now - this.#receivedAt <= CHROMIUM_RECEIVING_TIMEOUT) return
    this.selected = path
    this.#receivedAt = this.world.now
    for (const below of this.paths.slice(0, path.rank)) this.#asked.delete(below)
    this.#send()
  }

  #checkNext(): void {
    const others = this.paths.filter((path) => path !== this.selected)
    const path = others[this.#turn++ % others.length]
    if (path === undefined) return
    this.#asked.add(path)
    this.#checkPath(path)
  }

  #checkPath(path: IcePath): void {
    this.#check(path.vip, path.listener)
    this.#receive()
  }

  #check(vip: number, listener: number): IcePath {
    return this.world.check(vip, clientAt(listener)) as IcePath
  }

  #send(): void {
    this.world.media = { vip: this.selected.vip, client: clientAt(this.selected.listener) }
  }
}

function clientAt(listener: number): Client {
  return { ...HOME, listener }
}

describe('a client that clings to its own choice', () => {
  test('is brought to the nominated path by silence on its own, with every path above alive', () => {
    const client = new ClingingClient()
    client.run(8_000)
    expect(client.selected).toBe(client.path(0))
    expect(client.world.agent.selected).toBe(client.path(0))
    expect([...client.alive]).toEqual(expect.arrayContaining([client.path(1), client.path(2)]))
    expect(client.world.nominations().map(({ number }) => number)).toEqual([1])
  })

  test('then survives the deaths of three relays in turn, each on a path that is alive', () => {
    const client = new ClingingClient()
    client.run(8_000)
    const { world } = client
    for (const [dead, refuge] of [
      [0, 1],
      [1, 2],
      [0, 3],
    ] as const) {
      world.answers = (path) => path.vip !== dead
      world.media = undefined
      world.lostLinks.add(dead)
      world.run(600)
      expect(world.agent.selected).toBe(client.path(refuge))
      expect(refuge === CLUNG || client.alive.has(client.path(refuge))).toBe(true)
      world.lostLinks.clear()
      world.answers = () => true
      world.media = 'nominated'
      world.run(8_000)
    }
  })

  test('hears media all the while, by the nominated path', () => {
    const client = new ClingingClient()
    client.run(8_000)
    const selections = client.world.commands.filter(({ type }) => type === 'select')
    expect(selections.at(-1)).toEqual({ type: 'select', path: client.path(0) })
    // On its first path, and on the nominated one from then on.
    expect(selections).toHaveLength(2)
  })

  test('keeps its choice if silence does not move it, and is not hushed again', () => {
    const client = new ClingingClient()
    client.isDeaf = true
    client.run(12_000)
    expect(client.world.agent.selected).toBe(client.path(CLUNG))
    const sent = client.world.commands.length
    client.run(60_000)
    expect(client.world.agent.selected).toBe(client.path(CLUNG))
    const later = client.world.commands.slice(sent)
    expect(later.some((command) => command.type === 'transmit' && command.path === client.path(CLUNG))).toBe(
      true,
    )
  })

  test('has its way at once when the nominated relay dies meanwhile', () => {
    const client = new ClingingClient()
    client.run(2_000)
    const { world } = client
    expect(world.agent.selected).toBe(client.path(0))
    world.lostLinks.add(0)
    world.answers = (path) => path.vip !== 0
    client.run(100)
    expect(world.agent.selected).toBe(client.path(CLUNG))
  })
})
