import * as fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { millisOf } from '../time.ts'
import { LinkHealth, PING_INTERVAL, TRAFFIC_LIFETIME } from './link-health.ts'

let world: World

beforeEach(() => {
  world = new World()
})

test('pings a peer for as long as it carries traffic, and nobody else', () => {
  expect(world.health.pollTimeout()).toBeUndefined()
  world.health.noteTraffic(7, world.now)
  world.run(TRAFFIC_LIFETIME - PING_INTERVAL)
  expect(world.pings).toBe(TRAFFIC_LIFETIME / PING_INTERVAL)
  world.run(60_000)
  expect(world.pings).toBe(TRAFFIC_LIFETIME / PING_INTERVAL)
  expect([world.health.watched, world.health.pollTimeout()]).toEqual([0, undefined])
})

describe('a peer that dies', () => {
  test.each([1, 20, 59])('is lost within 300 ms, at a round trip of %i ms', (roundTrip) => {
    for (let phase = 0; phase < PING_INTERVAL; phase += 7) {
      world = new World()
      world.roundTrip = roundTrip
      world.talk(7, 3_000 + phase)
      world.answers = false
      const diedAt = world.now
      while (!world.health.isLost(7) && world.now < diedAt + 1_000) world.talk(7, 1)
      expect(world.now - diedAt).toBeGreaterThan(2 * PING_INTERVAL)
      expect(world.now - diedAt).toBeLessThanOrEqual(300)
    }
  })

  test('is back with its first pong', () => {
    world.talk(7, 3_000)
    world.answers = false
    world.talk(7, 5_000)
    expect([world.health.isLost(7), world.health.lost, world.health.losses]).toEqual([true, 1, 1])
    world.answers = true
    world.talk(7, PING_INTERVAL + world.roundTrip)
    expect([world.health.isLost(7), world.health.lost, world.health.losses]).toEqual([false, 0, 1])
  })

  test('is forgotten when nobody talks to it any more', () => {
    world.answers = false
    world.talk(7, 5_000)
    world.run(TRAFFIC_LIFETIME)
    expect([world.health.isLost(7), world.health.watched]).toEqual([false, 0])
  })
})

describe('a peer that lives', () => {
  test('is not lost across the world, nor with two pings of three lost on the way', () => {
    world.roundTrip = 400
    world.lossOf = (ping) => ping % 3 !== 0
    world.talk(7, 60_000)
    expect(world.health.losses).toBe(0)
    expect(world.health.roundTripMillis(7)).toBe(400)
  })

  test('is given a second for its first pong', () => {
    world.answers = false
    world.talk(7, 990)
    expect(world.health.isLost(7)).toBe(false)
    world.talk(7, 100)
    expect(world.health.isLost(7)).toBe(true)
  })

  test('is not lost because we were asleep', () => {
    world.talk(7, 3_000)
    world.now = millisOf(world.now + 5_000)
    world.talk(7, 3_000)
    expect(world.health.losses).toBe(0)
  })
})

test('takes a pong once, from the peer that was pinged, with its token', () => {
  world.answers = false
  world.health.noteTraffic(7, world.now)
  world.health.noteTraffic(8, world.now)
  world.health.handleTimeout(world.now)
  const { token } = world.health.nextPing() ?? { token: new Uint8Array(8) }
  const take = (peer: number, bytes: Uint8Array) => world.health.handlePong(peer, bytes, world.now)
  expect([take(8, token), take(9, token), take(7, new Uint8Array(8)), take(7, token.slice(1))]).toEqual([
    false,
    false,
    false,
    false,
  ])
  expect([take(7, token), take(7, token)]).toEqual([true, false])
})

test('no pong that was guessed keeps a dead peer alive', () => {
  const guessed = fc.property(fc.array(fc.uint8Array({ minLength: 8, maxLength: 8 })), (tokens) => {
    const dead = new World()
    dead.answers = false
    for (const token of tokens) {
      dead.talk(7, 10)
      expect(dead.health.handlePong(7, token, dead.now)).toBe(false)
    }
    dead.talk(7, 2_000)
    expect(dead.health.isLost(7)).toBe(true)
  })
  fc.assert(guessed, { numRuns: 30 })
})

/** One node that watches peers which answer after a round trip, on a virtual clock. */
class World {
  now = millisOf(1_000)
  answers = true
  roundTrip = 10
  pings = 0
  lossOf: (ping: number) => boolean = () => false
  #token = 0
  readonly #pongs: { at: number; peer: number; token: Uint8Array }[] = []
  /** Tokens that nobody guesses. */
  readonly health = new LinkHealth((length) => {
    this.#token++
    return Uint8Array.from({ length }, (_, i) => Math.imul(this.#token, 2_654_435_761 + i * 40_503) >>> 13)
  })

  /** Lets time pass while packets go to `peer`. */
  talk(peer: number, duration: number): void {
    for (const end = this.now + duration; this.now < end;) {
      this.health.noteTraffic(peer, this.now)
      this.run(Math.min(20, end - this.now))
    }
  }

  run(duration: number): void {
    const end = this.now + duration
    for (;;) {
      const arrival = this.#pongs[0]?.at ?? Infinity
      const next = Math.min(arrival, this.health.pollTimeout() ?? Infinity)
      if (next > end) break
      this.now = millisOf(Math.max(this.now, next))
      if (next === arrival) this.#arrive()
      else this.health.handleTimeout(this.now)
      this.#send()
    }
    this.now = millisOf(end)
  }

  #send(): void {
    for (let ping = this.health.nextPing(); ping !== undefined; ping = this.health.nextPing()) {
      this.pings++
      if (this.answers && !this.lossOf(this.pings))
        this.#pongs.push({ at: this.now + this.roundTrip, ...ping })
    }
  }

  #arrive(): void {
    const pong = this.#pongs.shift()
    if (pong !== undefined) this.health.handlePong(pong.peer, pong.token, this.now)
  }
}
