/**
 * Makes new inputs from old ones: the mutations of AFL that work without knowing the format, and those that know that
 * formats have lengths, words and lines.
 */

import { concatBytes, readU16, utf8, writeU16 } from '#shared/bytes'
import type { Random } from './random.ts'
import type { FuzzTarget } from './target.ts'

/** Returns a mutation of one of `pool`, or noise; never longer than the target allows. */
export function mutate(target: FuzzTarget, pool: readonly Uint8Array[], random: Random): Uint8Array {
  if (pool.length === 0 || random.oneIn(NOISE_ONE_IN)) return random.bytes(random.below(NOISE_BYTES))
  let input = random.pick(pool)
  for (let steps = 1 + random.below(MAX_STEPS); steps > 0; steps--) {
    input = random.pick(MUTATIONS)(input, { target, pool, random })
  }
  input = input.subarray(0, target.maxBytes)
  return target.repair !== undefined && random.oneIn(2) ? target.repair(input, random) : input
}

interface Surroundings {
  readonly target: FuzzTarget
  readonly pool: readonly Uint8Array[]
  readonly random: Random
}

type Mutation = (input: Uint8Array, surroundings: Surroundings) => Uint8Array

function flipBit(input: Uint8Array, { random }: Surroundings): Uint8Array {
  return changed(input, (copy) => {
    const at = random.below(copy.length)
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8))
  })
}

function setByte(input: Uint8Array, { random }: Surroundings): Uint8Array {
  return changed(input, (copy) => (copy[random.below(copy.length)] = random.next()))
}

/** Every length field of every format here is 16 bits wide or narrower. */
function setWord(input: Uint8Array, { random }: Surroundings): Uint8Array {
  return changed(input, (copy) => {
    const at = random.below(Math.max(1, copy.length - 1))
    const left = copy.length - at
    const near = readU16(copy, at) + random.below(9) - 4
    writeU16(copy, at, random.pick([0, 1, 3, 4, 0x7fff, 0x8000, 0xfffc, 0xffff, left, left - 2, near]))
  })
}

function insert(input: Uint8Array, { random }: Surroundings): Uint8Array {
  return spliced(input, random.below(input.length + 1), 0, random.bytes(1 + random.below(8)))
}

function remove(input: Uint8Array, { random }: Surroundings): Uint8Array {
  const at = random.below(input.length + 1)
  return spliced(input, at, random.below(Math.min(64, input.length - at) + 1), NOTHING)
}

function truncate(input: Uint8Array, { random }: Surroundings): Uint8Array {
  return input.subarray(0, random.below(input.length + 1))
}

/** Repeats a part of the input, in place or elsewhere. */
function repeat(input: Uint8Array, { random }: Surroundings): Uint8Array {
  const part = someOf(input, random)
  const copies = Array.from({ length: random.oneIn(8) ? 1 + random.below(32) : 1 }, () => part)
  return spliced(input, random.below(input.length + 1), 0, concatBytes(...copies))
}

/** Puts a part of another input in, or over what is there. */
function cross(input: Uint8Array, { pool, random }: Surroundings): Uint8Array {
  const part = someOf(random.pick(pool), random)
  const at = random.below(input.length + 1)
  return spliced(input, at, random.oneIn(2) ? part.length : 0, part)
}

function insertWord(input: Uint8Array, { target, random }: Surroundings): Uint8Array {
  const { words = ['\0\0\0\0'] } = target
  const word = utf8(random.pick(words))
  const at = random.below(input.length + 1)
  return spliced(input, at, random.oneIn(2) ? word.length : 0, word)
}

/** Removes, repeats or moves a line. */
function moveLine(input: Uint8Array, { random }: Surroundings): Uint8Array {
  const from = lineStart(input, random.below(input.length + 1))
  const end = lineEnd(input, from)
  const line = input.slice(from, end)
  const rest = random.oneIn(2) ? input : spliced(input, from, end - from, NOTHING)
  const to = lineStart(rest, random.below(rest.length + 1))
  return random.oneIn(3) ? rest : spliced(rest, to, 0, line)
}

function someOf(input: Uint8Array, random: Random): Uint8Array {
  const at = random.below(input.length + 1)
  return input.subarray(at, at + random.below(Math.min(MAX_PART_BYTES, input.length - at) + 1))
}

function lineStart(input: Uint8Array, at: number): number {
  return input.lastIndexOf(LINE_FEED, at - 1) + 1
}

function lineEnd(input: Uint8Array, from: number): number {
  const end = input.indexOf(LINE_FEED, from)
  return end < 0 ? input.length : end + 1
}

function changed(input: Uint8Array, change: (copy: Uint8Array) => void): Uint8Array {
  const copy = input.slice()
  if (copy.length > 0) change(copy)
  return copy
}

function spliced(input: Uint8Array, at: number, removed: number, inserted: Uint8Array): Uint8Array {
  return concatBytes(input.subarray(0, at), inserted, input.subarray(at + removed))
}

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  flipBit,
  setByte,
  setWord,
  setWord,
  insert,
  remove,
  truncate,
  repeat,
  cross,
  insertWord,
  moveLine,
]

const NOTHING = new Uint8Array(0)
const LINE_FEED = 0x0a

/** One input in so many is noise of up to so many bytes. */
const NOISE_ONE_IN = 50
const NOISE_BYTES = 96

/** Mutations one upon the other. */
const MAX_STEPS = 5

/** Longest part that is repeated or taken from another input. */
const MAX_PART_BYTES = 256
