/** The deadline that the agent keeps: one that is called only when it has asked does what one does that is called always. */

import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { useCandidate } from '#shared/stun/attributes'
import { ELSEWHERE, HOME, RESTART, World, onTcp } from '../../test-ice-world.ts'

const CLIENTS = [HOME, { ...HOME, listener: 1 }, ELSEWHERE, { ...HOME, port: 50_001 }, onTcp]

const vip = fc.nat(1)
const client = fc.constantFrom(...CLIENTS)
/** What happens to a call: each operation is applied to both worlds. */
const operation = fc.oneof(
  fc.record({ type: fc.constant('check'), vip, client, nominates: fc.boolean() } as const),
  fc.record({ type: fc.constant('check-next'), vip, client } as const),
  fc.record({ type: fc.constant('restart') } as const),
  fc.record({ type: fc.constant('media'), vip, client } as const),
  fc.record({ type: fc.constant('hear') } as const),
  fc.record({ type: fc.constant('lose'), links: fc.subarray([0, 1]) } as const),
  fc.record({ type: fc.constant('answer'), vips: fc.subarray([0, 1]) } as const),
  fc.record({ type: fc.constant('delay'), delays: fc.tuple(fc.nat(400), fc.nat(400)) } as const),
  fc.record({ type: fc.constant('control'), isClient: fc.boolean() } as const),
)
type Operation = typeof operation extends fc.Arbitrary<infer Value> ? Value : never

function apply(world: World, op: Operation): void {
  if (op.type === 'check') world.check(op.vip, op.client, op.nominates ? [useCandidate()] : [])
  else if (op.type === 'check-next') world.checkNext(op.vip, op.client)
  else if (op.type === 'restart') world.agent.restart(RESTART)
  else if (op.type === 'media') world.media = { vip: op.vip, client: op.client }
  else if (op.type === 'hear') world.media = 'nominated'
  else if (op.type === 'answer') world.answers = (path) => op.vips.includes(path.vip)
  else if (op.type === 'delay') world.delayOf = (path) => (op.delays[path.vip] ?? 0) + 1
  else if (op.type === 'control') world.clientIsControlling = op.isClient
  else {
    world.lostLinks.clear()
    for (const link of op.links) world.lostLinks.add(link)
  }
}

test('an agent that is called only when it asks does all that it would do if it were called in every tick', () => {
  const ticks = fc.oneof(fc.integer({ min: 1, max: 80 }), fc.integer({ min: 1, max: 600 }))
  const history = fc.array(fc.tuple(operation, ticks), { minLength: 5, maxLength: 25 })
  fc.assert(
    fc.property(history, (steps) => {
      const [asking, always] = [new World(), new World()]
      for (const [op, count] of [[{ type: 'hear' }, 1] as const, ...steps]) {
        for (const world of [asking, always]) apply(world, op)
        for (let tick = 0; tick < count; tick++) {
          asking.tick('when-it-asks')
          always.tick('always')
          if (asking.commands.length !== always.commands.length) expect.fail(`unlike in tick ${tick}`)
        }
      }
      expect(asking.commands).toEqual(always.commands)
    }),
    { numRuns: 40 },
  )
})
