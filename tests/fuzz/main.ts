/**
 * `npm run fuzz`: runs every target on mutated inputs for a while, and says how many.
 *
 * Usage: npm run fuzz -- [--minutes 10] [--target name] [--seed n] [--grow]. An input that breaks a target goes to its
 * corpus, and the exit code is 1; with --grow, so does the shortest input for each outcome.
 */

import { parseArgs } from 'node:util'
import { keepFailure, keepOutcomes, readCorpus } from './corpus.ts'
import { fuzz } from './driver.ts'
import type { FuzzTarget } from './target.ts'
import { TARGETS } from './targets.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    target: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
    grow: { type: 'boolean', default: false },
  },
})
const chosen = TARGETS.filter(({ name }) => values.target === undefined || values.target === name)
const minutes = Number(values.minutes)
if (chosen.length === 0 || !(minutes > 0)) {
  console.error(
    `--target takes one of ${TARGETS.map(({ name }) => name).join(', ')}; --minutes a number above 0`,
  )
  process.exit(2)
}

const allShares = chosen.reduce((sum, target) => sum + sharesOf(target), 0)
console.log(`seed ${values.seed}, ${minutes} minutes`)
const totals = chosen.map(runTarget)
const executions = totals.reduce((sum, total) => sum + total, 0)
console.log(
  `${executions.toLocaleString('en')} executions, ${process.exitCode === 1 ? 'with' : 'no'} failures`,
)

/** Runs one target for its share of the time, and returns how often. */
function runTarget(target: FuzzTarget): number {
  const startedAt = performance.now()
  const deadline = startedAt + (minutes * 60_000 * sharesOf(target)) / allShares
  const corpus = readCorpus(target).map(({ input }) => input)
  const result = fuzz(target, corpus, Number(values.seed), () => performance.now() < deadline)
  const perSecond = result.executions / ((performance.now() - startedAt) / 1_000)
  const outcomes = `${result.inputByOutcome.size} outcomes`
  console.log(
    `${target.name.padEnd(16)}${result.executions.toLocaleString('en').padStart(12)} executions` +
      `${Math.round(perSecond).toLocaleString('en').padStart(9)}/s  ${outcomes}`,
  )
  if (values.grow) keepOutcomes(target, result.inputByOutcome)
  if (result.failure === undefined) return result.executions
  process.exitCode = 1
  console.error(result.failure.error)
  console.error(`kept in ${keepFailure(target, result.failure.input)}`)
  return result.executions
}

function sharesOf({ shares = 1 }: FuzzTarget): number {
  return shares
}
