/** How a call moves: to a better path, after its client, through an ICE restart, and away from what never answers. */

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { errorCode } from '#shared/stun/attributes'
import { encodeStunMessage } from '#shared/stun/message'
import { BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS } from '#shared/stun/registry'
import type { Client } from '#shared/endpoint'
import type { IcePath } from './path.ts'
import { ELSEWHERE, HOME, RESTART, World, clientMac } from '../../test-ice-world.ts'

const REBOUND: Client = { ...HOME, port: 50_001 }

/** A call on the nearest relay, all four paths of it proven, with media. */
function settled() {
  const world = new World()
  const paths = [0, 1].flatMap((listener) =>
    [0, 1].map((vip) => world.check(vip, { ...HOME, listener }) as IcePath),
  )
  const [first, second, third, fourth] = paths as [IcePath, IcePath, IcePath, IcePath]
  world.media = { vip: 0, client: HOME }
  world.run(20_000)
  expect(world.agent.selected).toBe(first)
  return { world, first, second, third, fourth }
}

describe('a clearly better path', () => {
  test('takes the call over once it has been measured beside the one in use', () => {
    const { world, first, second } = settled()
    world.delayOf = (path) => (path.vip === 0 ? 120 : 10)
    world.run(9_000)
    expect(world.agent.selected).toBe(second)
    expect(world.nominations().at(-1)).toEqual({ path: second, number: 2 })
    expect([first.roundTripMillis, second.roundTripMillis]).toEqual([120, 10])
    expect(first.isValid).toBe(true)
  })

  test('is not one that is only a little better, or better for a moment', () => {
    const { world, first } = settled()
    world.delayOf = (path) => (path.vip === 0 ? 25 : 10)
    world.run(60_000)
    expect(world.agent.selected).toBe(first)
    let slow = 0
    world.delayOf = (path) => (path.vip === 0 && slow++ % 3 === 0 ? 300 : 10)
    world.run(60_000)
    expect(world.agent.selected).toBe(first)
  })

  test('is one that answers where the one in use loses a third of its checks', () => {
    const { world, second } = settled()
    let count = 0
    world.answers = (path) => path.vip === 1 || count++ % 5 > 1
    world.run(60_000)
    expect(world.agent.selected).toBe(second)
    expect(second.quality.loss).toBeLessThan(0.2)
  })

  test('is never below the one in use in the order of the answer, where Chromium has pruned', () => {
    const { world, fourth } = settled()
    world.delayOf = (path) => (path === fourth ? 10 : 200)
    world.run(30_000)
    expect(world.agent.selected).toBe(fourth)
    world.media = { vip: 1, client: { ...HOME, listener: 1 } }
    world.delayOf = (path) => (path === fourth ? 200 : 10)
    world.run(600_000)
    expect(world.agent.selected).toBe(fourth)
  })

  test('leaves the choice to a peer that controls', () => {
    const world = new World()
    world.clientIsControlling = true
    const first = world.check(0, HOME)
    world.check(1, HOME)
    world.run(60)
    world.check(0, HOME)
    world.media = { vip: 0, client: HOME }
    world.delayOf = (path) => (path.vip === 0 ? 200 : 10)
    world.run(60_000)
    expect(world.agent.selected).toBe(first)
  })

  test('never makes the call flap, whatever the round trips do', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(300), fc.nat(300)), { minLength: 4, maxLength: 30 }), (delays) => {
        const { world } = settled()
        world.media = 'nominated'
        for (const [a, b] of delays) {
          world.delayOf = (path) => (path.vip === 0 ? a : b) + 1
          world.run(7_000)
        }
        // One nomination at the start, and at most three moves: the order has no more steps.
        expect(world.nominations().at(-1)?.number).toBeLessThanOrEqual(4)
      }),
      { numRuns: 10 },
    )
  })
})

describe('a client whose address changes', () => {
  test('takes its call along within a round trip of its first check from there', () => {
    const { world, first } = settled()
    world.media = undefined
    world.answers = (path) => path !== first
    world.run(700)
    const rebound = world.check(0, REBOUND) as IcePath
    expect(world.agent.selected).toBe(first)
    world.run(10)
    expect(world.agent.selected).toBe(rebound)
    expect(world.nominations().at(-1)?.path).toBe(rebound)
  })

  test('keeps its call where it is while its old address still sends', () => {
    const { world, first } = settled()
    world.check(0, REBOUND)
    world.run(10_000)
    expect(world.agent.selected).toBe(first)
  })

  test('is not one who replays a check and cannot answer', () => {
    const { world, first } = settled()
    world.media = undefined
    world.answers = (path) => path.client.join() === first.client.join()
    world.run(500)
    world.check(0, ELSEWHERE)
    world.run(10_000)
    expect(world.agent.selected).toBe(first)
  })
})

describe('an ICE restart', () => {
  test('keeps media where it is until a path answers under the new credentials, and then moves it', () => {
    const { world, first } = settled()
    world.agent.restart(RESTART)
    world.run(10_000)
    expect(world.agent.selected).toBe(first)
    const fresh = world.checkNext(0, REBOUND) as IcePath
    expect(world.agent.selected).toBe(first)
    world.run(10)
    expect(world.agent.selected).toBe(fresh)
    expect(world.nominations().at(-1)).toEqual({ path: fresh, number: 2 })
    expect(first.isValid).toBe(false)
  })

  test('takes checks under both credentials until it is done, and under the new ones alone from then on', () => {
    const { world, first } = settled()
    world.agent.restart(RESTART)
    expect(world.check(0, HOME)).toBe(first)
    expect(world.checkNext(0, HOME)).toBe(first)
    world.run(10)
    expect(world.check(0, HOME)).toBe('ice-username')
    expect(world.checkNext(0, HOME)).toBe(first)
    expect(world.agent.selected).toBe(first)
    expect(first.isValid).toBe(true)
  })

  test('revives a call whose every path is dead, if it comes before consent expires', () => {
    const { world } = settled()
    world.media = undefined
    world.answers = () => false
    world.run(20_000)
    world.agent.restart(RESTART)
    world.answers = () => true
    const fresh = world.checkNext(1, ELSEWHERE)
    world.run(60_000)
    expect(world.agent.selected).toBe(fresh)
    expect(world.commands.some(({ type }) => type === 'expire')).toBe(false)
  })

  test('is replaced by a further one before it is done', () => {
    const { world, first } = settled()
    world.agent.restart({ ...RESTART, localUfrag: 'ABANDONEDufragABANDONE' })
    world.agent.restart(RESTART)
    expect(world.checkNext(0, HOME)).toBe(first)
    expect(world.agent.remoteUfrag).toBe('next')
  })

  test('forgets the paths of the old credentials once their clients are silent', () => {
    const { world, first } = settled()
    world.agent.restart(RESTART)
    const fresh = world.checkNext(0, REBOUND)
    world.media = { vip: 0, client: REBOUND }
    world.run(31_000)
    expect(world.agent.paths).toEqual([fresh])
    expect(world.commands).toContainEqual({ type: 'forget', path: first })
  })
})

describe('consent', () => {
  test('is counted for each path: one that no longer answers is given up, and media leaves it', () => {
    const { world, first, second } = settled()
    world.answers = (path) => path !== first
    world.run(36_000)
    expect(world.agent.paths).not.toContain(first)
    expect(world.agent.selected).toBe(second)
    expect(world.commands.some(({ type }) => type === 'expire')).toBe(false)
  })
})

describe('a relay that dies', () => {
  test('sends the call to the next path above, so that three deaths in turn find one that was not pruned', () => {
    const { world, second, third, fourth } = settled()
    for (const [dead, refuge] of [
      [0, second],
      [1, third],
      [0, fourth],
    ] as const) {
      world.answers = (path) => path.vip !== dead
      world.media = undefined
      world.lostLinks.clear()
      world.lostLinks.add(dead)
      world.run(600)
      expect(world.agent.selected).toBe(refuge)
      world.lostLinks.clear()
      world.answers = () => true
      world.media = { vip: refuge.vip, client: { ...HOME, listener: refuge.listener } }
      world.run(8_000)
      expect(world.agent.selected).toBe(refuge)
    }
  })
})

describe('a call that has fled to the top of the order', () => {
  function fled() {
    const call = settled()
    const { world, second, third, fourth } = call
    for (const [dead, refuge] of [
      [0, second],
      [1, third],
      [0, fourth],
    ] as const) {
      world.answers = (path) => path.vip !== dead
      world.media = undefined
      world.lostLinks.add(dead)
      world.run(600)
      world.lostLinks.clear()
      world.answers = () => true
      world.media = { vip: refuge.vip, client: { ...HOME, listener: refuge.listener } }
      world.run(5_000)
    }
    expect(world.agent.selected).toBe(fourth)
    return call
  }

  test('begins anew at its foot, with a hush for the client that has pruned it, and can flee again', () => {
    const { world, first, second, fourth } = fled()
    for (let waited = 0; waited < 15_000 && world.agent.selected === fourth; waited += 100) world.run(100)
    expect(world.nominations().at(-1)).toEqual({ path: first, number: 5 })
    world.run(1_200)
    const hushed = world.commands.length
    world.run(2_500)
    expect(world.commands.slice(hushed).some((c) => c.type === 'transmit' && c.path === fourth)).toBe(false)
    world.media = { vip: 0, client: HOME }
    world.run(5_000)
    world.media = undefined
    world.lostLinks.add(0)
    world.run(400)
    expect(world.agent.selected).toBe(second)
  })

  test('stays there when the client does not follow, and does not ask it again', () => {
    const { world, fourth } = fled()
    world.run(120_000)
    expect(world.agent.selected).toBe(fourth)
    expect(world.nominations().map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('stays there while the way through the other relay is worse', () => {
    const { world, fourth } = fled()
    world.delayOf = (path) => (path.vip === 0 ? 100 : 10)
    world.run(120_000)
    expect(world.agent.selected).toBe(fourth)
  })

  test('stays there while the other relay is lost', () => {
    const { world, fourth } = fled()
    world.lostLinks.add(0)
    world.run(120_000)
    expect(world.agent.selected).toBe(fourth)
  })
})

describe('odd peers', () => {
  test('are answered whatever the size of their checks and the optional attributes in them', () => {
    const world = new World()
    for (const bytes of [0, 1, 37, 400, 1_200]) {
      const optional = { type: 0xc070, value: new Uint8Array(bytes) }
      expect(world.check(0, HOME, [optional])).toBe(world.agent.selected)
    }
    expect(world.sent(BINDING_SUCCESS)).toHaveLength(5)
  })

  test('may check from several addresses at once, and each is answered where it is', () => {
    const world = new World()
    const [first, second] = [world.check(0, HOME) as IcePath, world.check(0, REBOUND) as IcePath]
    world.run(200)
    expect([first.isValid, second.isValid]).toEqual([true, true])
    expect(new Set(world.sent(BINDING_SUCCESS).map(({ path }) => path))).toEqual(new Set([first, second]))
  })

  test('that answer every check with a role conflict are not asked for ever', () => {
    const world = new World()
    world.answers = () => false
    world.check(0, HOME)
    for (let answered = 0; answered < 50; answered++) {
      const request = world.sent(BINDING_REQUEST)[answered]
      if (request === undefined) break
      const conflict = encodeStunMessage(
        BINDING_ERROR,
        request.message.transactionId,
        [errorCode(487, 'Role Conflict')],
        { integrity: clientMac, fingerprint: true },
      )
      world.arrive(conflict, 0, HOME)
    }
    expect(world.sent(BINDING_REQUEST)).toHaveLength(5)
  })
})
