/** What strangers send to a relay process: docs/relay.md, "Threats". Counted by reason, never answered, and a call goes on. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { Arena } from '../abuse/arena.ts'
import { attacksWith } from '../abuse/attacks.ts'

let arena: Arena
let bytesBefore = 0

beforeAll(async () => {
  arena = await Arena.open()
  bytesBefore = arena.residentBytes()
})

afterAll(() => arena.close())

/** The names and the reasons do not depend on the ufrag. */
test.each(attacksWith('').map(({ name }) => name))(
  '%s is counted, not answered, and disturbs no call',
  async (name) => {
    const attack = attacksWith(arena.ufrag).find((listed) => listed.name === name)
    if (attack === undefined) throw new Error('there is no such attack')
    const force = attack.target === 'tcp' ? FEW_CONNECTIONS : FLOOD
    const { sent, forwarded, receivedBytes, dropsByReason, quiet, flooded } = await arena.assault(
      attack,
      force,
    )
    console.log(
      `${name}: ${sent} sent, p99 ${quiet.p99.toFixed(1)} → ${flooded.p99.toFixed(1)} ms,`,
      `loss ${quiet.lossPercent.toFixed(1)} → ${flooded.lossPercent.toFixed(1)} %`,
      dropsByReason,
    )
    expect(receivedBytes).toBe(0)
    expect(sent).toBeGreaterThan(force.packets * 0.9)
    expect(flooded.lossPercent).toBeLessThan(BEARABLE_LOSS_PERCENT)
    expect(await arena.flows()).toBe(1)
    for (const reason of attack.mustReach) expect(dropsByReason).toHaveProperty(reason)
    const accounted = droppedAs(dropsByReason, [...attack.reasons, 'kernel']) + Math.max(0, forwarded)
    if (attack.target !== 'tcp') expect(accounted).toBeGreaterThan(sent * 0.9)
  },
)

test('after all of it, the relay has hardly grown', () => {
  expect(arena.residentBytes() - bytesBefore).toBeLessThan(MAX_GROWTH_BYTES)
})

function droppedAs(drops: Readonly<Record<string, number>>, reasons: readonly string[]): number {
  return reasons.reduce((sum, reason) => sum + (drops[reason] ?? 0), 0)
}

const FLOOD = { packets: 14_000, perSecond: 7_000, quietMillis: 500 }
const FEW_CONNECTIONS = { packets: 400, perSecond: 200, quietMillis: 500 }

/** A call bears 1 %; a machine that runs other tests beside this one loses more of its own. */
const BEARABLE_LOSS_PERCENT = 10

const MAX_GROWTH_BYTES = 96 * 2 ** 20
