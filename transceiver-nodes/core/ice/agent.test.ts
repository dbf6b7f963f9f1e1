import { describe, expect, test } from 'vitest'
import { iceControlled, priority, useCandidate, username } from '#shared/stun/attributes'
import { checkIntegrity } from '#shared/stun/integrity'
import type { Hmac } from '#shared/stun/integrity'
import { encodeStunMessage, findAttribute } from '#shared/stun/message'
import {
  ATTRIBUTE_ICE_CONTROLLING,
  BINDING_ERROR,
  BINDING_REQUEST,
  BINDING_SUCCESS,
} from '#shared/stun/registry'
import { IcePath } from './path.ts'
import { MAX_PATHS } from './paths.ts'
import { ELSEWHERE, HOME, World, clientMac, onTcp, parsed, serverMac } from '../../test-ice-world.ts'

describe('the ICE agent', () => {
  test('answers a verified check, binds its flow, and checks back on the same path', () => {
    const world = new World()
    const path = world.check(0, HOME)
    expect(path).toBeInstanceOf(IcePath)
    const [answer] = world.sent(BINDING_SUCCESS)
    expect(answer).toMatchObject({ path, binds: true })
    expect(checkIntegrity(answer!.bytes, serverMac)).toBe('valid')
    const [check] = world.sent(BINDING_REQUEST)
    expect(check!.path).toBe(path)
    expect(checkIntegrity(check!.bytes, clientMac)).toBe('valid')
    expect(findAttribute(check!.message, ATTRIBUTE_ICE_CONTROLLING)).toEqual(new Uint8Array(8).fill(0xff))
  })

  test('claims control before it answers, so that Chromium does not select a path and prune the others', () => {
    const world = new World()
    world.check(0, HOME)
    const types = world.commands.flatMap((c) => (c.type === 'transmit' ? [parsed(c.message).type] : []))
    expect(types).toEqual([BINDING_REQUEST, BINDING_SUCCESS])
  })

  test('waits for the preferred path while others have answered: the client checks it last', () => {
    const world = new World()
    for (const vip of [1, 1]) world.check(vip, { ...HOME, listener: 1 })
    world.run(400)
    const preferred = world.check(0, HOME)
    world.run(50)
    expect(world.nominations().map(({ path }) => path)).toEqual([preferred])
  })

  test('lets media flow on the first verified check and nominates the preferred path when it answers', () => {
    const world = new World()
    const path = world.check(0, HOME)
    expect(world.agent.selected).toBe(path)
    expect(world.nominations()).toEqual([])
    world.run(50)
    expect(world.nominations()).toEqual([{ path, number: 1 }])
  })

  test('prefers the nearest relay though another path was first', () => {
    const world = new World()
    world.check(1, HOME)
    world.run(30)
    const nearest = world.check(0, HOME)
    world.run(100)
    expect(world.agent.selected).toBe(nearest)
    expect(world.nominations().map(({ path }) => path)).toEqual([nearest])
  })

  test('nominates the best of the paths that answer when the preferred one does not', () => {
    const world = new World()
    world.answers = (path) => path.vip === 1
    world.check(0, HOME)
    const second = world.check(1, HOME)
    world.run(1_300)
    expect(world.agent.selected).toBe(second)
  })

  test('takes a path on TCP like any other, and prefers every path on UDP to it', () => {
    const world = new World()
    const tcp = world.check(0, onTcp)
    expect(world.agent.selected).toBe(tcp)
    world.run(1_200)
    expect(world.nominations().map(({ path }) => path)).toEqual([tcp])

    const other = new World()
    other.check(0, onTcp)
    const udp = other.check(1, { ...HOME, listener: 3 })
    other.run(1_200)
    expect(other.agent.selected).toBe(udp)
  })

  test('leaves TCP when a path on UDP answers at last', () => {
    const world = new World()
    const tcp = world.check(0, onTcp)
    world.run(1_000)
    const late = world.check(1, HOME)
    world.run(50)
    expect(world.agent.selected).toBe(late)
    expect(world.nominations().map(({ path, number }) => [path, number])).toEqual([
      [tcp, 1],
      [late, 2],
    ])
  })

  test('flees to TCP only when no path on UDP is alive, and does not return at once', () => {
    const world = new World()
    const [first, second, tcp] = [world.check(0, HOME), world.check(1, HOME), world.check(0, onTcp)]
    world.run(500)
    world.answers = (path) => path !== first
    world.run(2_000)
    expect(world.agent.selected).toBe(second)
    world.answers = (path) => path === tcp
    world.run(5_000)
    expect(world.agent.selected).toBe(tcp)
    world.answers = () => true
    for (let i = 0; i < 20; i++) {
      world.run(1_000)
      world.agent.selected!.heardAt = world.now
    }
    expect(world.agent.selected).toBe(tcp)
    for (let i = 0; i < 20; i++) {
      world.run(1_000)
      world.agent.selected!.heardAt = world.now
    }
    expect(world.agent.selected!.isTcp).toBe(false)
  })

  test('retransmits an unanswered check with growing intervals and gives up', () => {
    const world = new World()
    world.answers = () => false
    world.check(0, HOME)
    world.run(20_000)
    expect(world.sent(BINDING_REQUEST)).toHaveLength(7)
  })

  test.each([
    ['a wrong password', () => new World().check(0, HOME, [], clientMac), 'ice-integrity'],
    ['a foreign username', () => new World().check(0, HOME, [], serverMac, 'evil'), 'ice-username'],
    ['a relay that is not in the answer', () => new World().check(7, HOME), 'ice-stranger-path'],
  ])('drops a check with %s and answers nothing', (_, attempt, fault) => {
    expect(attempt()).toBe(fault)
  })

  test('drops a response to a check that was never sent, and one that came another way', () => {
    const world = new World()
    world.answers = () => false
    world.check(0, HOME)
    const request = world.sent(BINDING_REQUEST)[0]!.message
    const forge = (transactionId: Uint8Array, mac: Hmac) =>
      encodeStunMessage(BINDING_SUCCESS, transactionId, [], { integrity: mac, fingerprint: true })
    expect(world.arrive(forge(new Uint8Array(12), clientMac), 0, HOME)).toBe('ice-unknown-transaction')
    expect(world.arrive(forge(request.transactionId, serverMac), 0, HOME)).toBe('ice-integrity')
    expect(world.arrive(forge(request.transactionId, clientMac), 0, ELSEWHERE)).toBe('ice-asymmetric')
    expect(world.agent.paths.every((path) => !path.isValid)).toBe(true)
  })

  test('refuses a check with an unknown comprehension-required attribute by error 420', () => {
    const world = new World()
    expect(world.check(0, HOME, [{ type: 0x7777, value: new Uint8Array(4) }])).toBe('ice-unknown-attribute')
    expect(world.sent(BINDING_ERROR)).toHaveLength(1)
    expect(world.check(0, HOME, [{ type: 0xc057, value: new Uint8Array(4) }])).toBeInstanceOf(IcePath)
  })

  test('answers by the link that the client came by last, when another relay behind its VIP takes it over', () => {
    const world = new World()
    const path = world.check(0, HOME) as IcePath
    world.run(200)
    const request = encodeStunMessage(
      BINDING_REQUEST,
      world.nextTransaction(),
      [username('SERVERufragSERVERufrag:clnt'), iceControlled(new Uint8Array(8)), priority(1)],
      { integrity: serverMac, fingerprint: true },
    )
    expect(world.arrive(request, 0, HOME, 5)).toBe(path)
    expect([path.vip, path.link]).toEqual([0, 5])
    expect(world.agent.paths).toHaveLength(1)
  })

  test('leaves the call where it is when a request is replayed from another address', () => {
    const world = new World()
    const home = world.check(0, HOME)
    world.run(200)
    world.answers = (path) => path === home
    world.check(0, ELSEWHERE, [useCandidate()])
    for (let i = 0; i < 100; i++) {
      world.run(50)
      world.agent.paths[0]!.heardAt = world.now
      world.check(0, ELSEWHERE, [useCandidate()])
    }
    expect(world.agent.selected).toBe(home)
  })

  test('follows the nomination of a peer that keeps control', () => {
    const world = new World()
    world.clientIsControlling = true
    world.check(0, HOME)
    const second = world.check(1, HOME) as IcePath
    world.run(60)
    world.check(1, HOME, [useCandidate()])
    expect(world.agent.selected).toBe(second)
    world.run(500)
    expect(world.agent.selected).toBe(second)
  })

  test('moves the call by a higher nomination when its path falls silent and another answers', () => {
    const world = new World()
    const first = world.check(0, HOME) as IcePath
    const second = world.check(1, HOME) as IcePath
    world.run(500)
    expect(world.agent.selected).toBe(first)
    world.answers = (path) => path === second
    const silentSince = world.now
    while (world.agent.selected === first && world.now < silentSince + 5000) world.run(10)
    expect(world.agent.selected).toBe(second)
    expect(world.now - silentSince).toBeLessThan(1600)
    expect(world.nominations().at(-1)).toEqual({ path: second, number: 2 })
  })

  describe('when the relay of its path is lost', () => {
    /** A call on the nearest relay with media until now, another path warm, and then nothing more through the first. */
    function settled() {
      const world = new World()
      const first = world.check(0, HOME) as IcePath
      const second = world.check(1, HOME) as IcePath
      world.run(20_000)
      first.heardAt = world.now
      world.answers = (path) => path === second
      return { world, first, second, diedAt: world.now }
    }

    test('moves the call in the same moment, without asking the other path first', () => {
      const { world, first, second, diedAt } = settled()
      world.run(240)
      expect(world.agent.selected).toBe(first)
      world.lostLinks.add(0)
      world.run(0)
      expect(world.agent.selected).toBe(second)
      expect(world.now - diedAt).toBe(240)
      expect(world.nominations().at(-1)).toEqual({ path: second, number: 2 })
      world.run(10_000)
      expect(world.agent.selected).toBe(second)
      expect(world.nominations()).toHaveLength(2)
    })

    test('leaves the call where it is while something still comes through', () => {
      const { world, first } = settled()
      world.lostLinks.add(0)
      for (let i = 0; i < 100; i++) {
        first.heardAt = world.now
        world.run(20)
      }
      expect(world.agent.selected).toBe(first)
    })

    test('does not flee to a relay that is lost too', () => {
      const { world, first } = settled()
      world.answers = () => false
      world.lostLinks.add(0).add(1)
      world.run(5_000)
      expect(world.agent.selected).toBe(first)
    })

    test('does not flee to a path on which the client has long been silent', () => {
      const { world, first, second } = settled()
      world.answers = () => false
      first.heardAt = world.now
      for (let i = 0; i < 650; i++) {
        first.heardAt = world.now
        world.run(20)
      }
      expect(world.now - second.heardAt).toBeGreaterThan(12_000)
      world.lostLinks.add(0)
      world.run(3_000)
      expect(world.agent.selected).toBe(first)
    })

    test('does not come back to it for what it heard before', () => {
      const { world, second } = settled()
      world.lostLinks.add(0)
      world.run(240)
      world.answers = () => false
      world.run(4_000)
      expect(world.agent.selected).toBe(second)
    })
  })

  test('follows the client to a new address once the new path has answered', () => {
    const world = new World()
    const old = world.check(0, HOME)
    world.run(500)
    world.answers = (path) => path !== old
    const moved = world.check(0, ELSEWHERE) as IcePath
    for (let i = 0; i < 150 && world.agent.selected !== moved; i++) {
      world.run(20)
      moved.heardAt = world.now
    }
    expect(world.agent.selected).toBe(moved)
  })

  test('keeps consent alive for hours with a client that answers, and expires 30 seconds after it stops', () => {
    const world = new World()
    world.check(0, HOME)
    world.run(3_600_000)
    expect(world.commands.some((command) => command.type === 'expire')).toBe(false)
    world.answers = () => false
    world.run(25_000)
    expect(world.commands.some((command) => command.type === 'expire')).toBe(false)
    world.run(10_000)
    expect(world.commands.at(-1)).toEqual({ type: 'expire' })
    expect(world.agent.pollTimeout()).toBeUndefined()
  })

  test('asks a client that is back after a long silence before its consent expires', () => {
    const world = new World()
    const home = world.check(0, HOME) as IcePath
    world.run(10_000)
    world.answers = () => false
    world.run(home.consentAt! + 29_500 - world.now)
    world.answers = () => true
    world.check(0, HOME)
    for (let i = 0; i < 500; i++) {
      home.heardAt = world.now
      world.run(20)
    }
    expect(world.commands.some((command) => command.type === 'expire')).toBe(false)
  })

  test('expires when no client ever comes', () => {
    const world = new World()
    world.run(31_000)
    expect(world.commands).toEqual([{ type: 'expire' }])
  })

  test('keeps a bounded number of paths and never forgets the one in use', () => {
    const world = new World()
    const home = world.check(0, HOME)
    world.run(100)
    world.answers = () => false
    for (let port = 1; port <= 50; port++) world.check(0, { ...ELSEWHERE, port })
    expect(world.agent.paths).toHaveLength(MAX_PATHS)
    expect(world.agent.paths).toContain(home)
    expect(world.agent.selected).toBe(home)
    expect(world.commands.filter((command) => command.type === 'forget')).toHaveLength(51 - MAX_PATHS)
  })
})
