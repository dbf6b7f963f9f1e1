/**
 * Runs a target on mutated inputs until time is over or one of them breaks it.
 *
 * An input breaks a target that throws, or that takes so long that no amount of noise on the machine explains it. It
 * is then made as short as it gets while it still breaks the target the same way.
 */

import { mutate } from './mutate.ts'
import { Random } from './random.ts'
import type { FuzzTarget } from './target.ts'

/** An input that breaks a target, and how. */
export interface Failure {
  readonly input: Uint8Array
  readonly error: Error
}

/** What a campaign came to. */
export interface FuzzResult {
  readonly executions: number
  /** The shortest input seen for each outcome. */
  readonly inputByOutcome: ReadonlyMap<string, Uint8Array>
  readonly failure: Failure | undefined
}

/** Runs every input of `corpus`, then mutations of them for as long as `mayGoOn` says, asked now and then. */
export function fuzz(
  target: FuzzTarget,
  corpus: readonly Uint8Array[],
  seed: number,
  mayGoOn: () => boolean,
): FuzzResult {
  const random = new Random(seed)
  const pool = [...target.seeds(), ...corpus]
  const inputByOutcome = new Map<string, Uint8Array>()
  let executions = 0
  /** Returns why the input breaks the target, if it does, and else keeps it if it does something new. */
  const runOne = (input: Uint8Array): Error | undefined => {
    executions++
    const outcome = outcomeOf(target, input)
    if (outcome instanceof Error) return outcome
    const known = inputByOutcome.get(outcome)
    if (known === undefined || input.length < known.length) inputByOutcome.set(outcome, input.slice())
    if (known === undefined && pool.length < MAX_POOL) pool.push(input.slice())
    return undefined
  }
  const result = (failing: Uint8Array | undefined): FuzzResult => ({
    executions,
    inputByOutcome,
    failure: failing && shrink(target, failing),
  })
  for (const input of pool.slice()) if (runOne(input) !== undefined) return result(input)
  while (mayGoOn()) {
    for (let i = 0; i < RUNS_PER_LOOK; i++) {
      const input = mutate(target, pool, random)
      if (runOne(input) !== undefined) return result(input)
    }
  }
  return result(undefined)
}

/** Runs one input; returns the target's word for what came of it, or the error that it throws or deserves. */
export function outcomeOf(target: FuzzTarget, input: Uint8Array): string | Error {
  const before = input.slice()
  const startedAt = performance.now()
  try {
    const outcome = target.run(input)
    if (performance.now() - startedAt > SLOW_MILLIS && isSlow(target, before)) return new Error(SLOW)
    return outcome
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** Time is noisy: only the least CPU time of several runs counts. */
function isSlow(target: FuzzTarget, input: Uint8Array): boolean {
  const times = Array.from({ length: 3 }, () => {
    const before = process.cpuUsage()
    target.run(input.slice())
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1_000
  })
  return Math.min(...times) > SLOW_MILLIS
}

/** Cuts ever smaller parts out of a failing input for as long as it fails in the same place. */
function shrink(target: FuzzTarget, failing: Uint8Array): Failure {
  let input = failing.slice()
  let error = errorOf(target, input)
  const wanted = signatureOf(error)
  for (let part = Math.ceil(input.length / 2); part > 0; part = Math.floor(part / 2)) {
    for (let at = 0; at + part <= input.length;) {
      const shorter = Uint8Array.of(...input.subarray(0, at), ...input.subarray(at + part))
      const outcome = outcomeOf(target, shorter)
      if (outcome instanceof Error && signatureOf(outcome) === wanted) {
        input = shorter
        error = outcome
      } else at += part
    }
  }
  return { input, error }
}

function errorOf(target: FuzzTarget, input: Uint8Array): Error {
  const outcome = outcomeOf(target, input)
  return outcome instanceof Error ? outcome : new Error('it failed once, and then did not')
}

/** Where an error comes from: the first line of its stack that names a file. */
function signatureOf(error: Error): string {
  const place = error.stack?.split('\n').find((line) => line.includes('.ts:')) ?? ''
  return error.message === SLOW ? SLOW : `${error.name} ${place.trim()}`
}

const SLOW = 'takes too long'

/** No input here is worth a tenth of this. */
const SLOW_MILLIS = 100

/** Bound on inputs kept to be mutated. */
const MAX_POOL = 2_048

/** How many inputs go between two looks at the clock. */
const RUNS_PER_LOOK = 64
