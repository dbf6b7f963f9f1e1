/**
 * What abuse costs a call: loss and round trip of a victim's packets, undisturbed and under each attack, side by side.
 *
 * Usage: node bench/abuse/main.ts [--json] [--seconds 5] [--rate 20000]. Relay, transceiver, victim and attacker share
 * this machine, so part of what the victim feels is the attacker's own work. docs/relay.md, "Threats".
 */

import { parseArgs } from 'node:util'
import { Arena } from '../../tests/abuse/arena.ts'
import type { Assault } from '../../tests/abuse/arena.ts'
import { attacksWith } from '../../tests/abuse/attacks.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '5' },
    rate: { type: 'string', default: '20000' },
  },
})
const seconds = Number(values.seconds)
const rate = Number(values.rate)

/** A connection costs a relay about as much as so many packets. */
const PACKETS_PER_CONNECTION = 100

const arena = await Arena.open()
const bytesBefore = arena.residentBytes()
const assaultByName: Record<string, Assault> = {}
for (const attack of attacksWith(arena.ufrag)) {
  const perSecond = attack.target === 'tcp' ? rate / PACKETS_PER_CONNECTION : rate
  const force = { packets: Math.ceil(perSecond * seconds), perSecond, quietMillis: seconds * 1_000 }
  assaultByName[attack.name] = await arena.assault(attack, force)
}
const grownBytes = arena.residentBytes() - bytesBefore
await arena.close()

if (values.json) console.log(JSON.stringify({ rate, seconds, grownBytes, attacks: assaultByName }))
else {
  console.log(`${rate} packets a second for ${seconds} s each; "a → b" is without and with the attack`)
  console.table(
    Object.fromEntries(Object.entries(assaultByName).map(([name, assault]) => [name, rowOf(assault)])),
  )
  console.log(`the relay's process has grown by ${(grownBytes / 2 ** 20).toFixed(1)} MB`)
}

function rowOf({ sent, quiet, flooded, amplification, forwarded, dropsByReason }: Assault) {
  const pair = (a: number, b: number) => `${a.toFixed(1)} → ${b.toFixed(1)}`
  return {
    sent,
    'loss %': pair(quiet.lossPercent, flooded.lossPercent),
    'p50 ms': pair(quiet.p50, flooded.p50),
    'p99 ms': pair(quiet.p99, flooded.p99),
    amplification,
    forwarded,
    drops: Object.entries(dropsByReason)
      .map(([reason, count]) => `${reason} ${count}`)
      .join(', '),
  }
}
