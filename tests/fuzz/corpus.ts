/**
 * The inputs that are kept: `corpus/<target>/<name>`, raw bytes, one file each.
 *
 * A name that is an outcome of the target marks the shortest input known for it; `broke-…` marks an input that once
 * broke the target. CI replays them all.
 */

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { FuzzTarget } from './target.ts'

/** One kept input. */
export interface CorpusEntry {
  readonly name: string
  readonly input: Uint8Array
}

/** Reads what is kept for a target. */
export function readCorpus({ name }: Pick<FuzzTarget, 'name'>): CorpusEntry[] {
  const folder = folderOf(name)
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .toSorted()
    .map((file) => ({ name: file, input: Uint8Array.from(readFileSync(`${folder}/${file}`)) }))
}

/** Keeps an input that broke a target, and returns its path. */
export function keepFailure({ name }: Pick<FuzzTarget, 'name'>, input: Uint8Array): string {
  return keep(name, `broke-${createHash('sha256').update(input).digest('hex').slice(0, 8)}`, input)
}

/** Keeps the inputs of outcomes that have none, or a longer one; returns how many. */
export function keepOutcomes(
  { name }: Pick<FuzzTarget, 'name'>,
  inputByOutcome: ReadonlyMap<string, Uint8Array>,
): number {
  const lengthByName = new Map(readCorpus({ name }).map((entry) => [entry.name, entry.input.length]))
  let kept = 0
  for (const [outcome, input] of inputByOutcome) {
    if (input.length >= (lengthByName.get(outcome) ?? Infinity) || input.length > MAX_KEPT_BYTES) continue
    keep(name, outcome, input)
    kept++
  }
  return kept
}

function keep(target: string, file: string, input: Uint8Array): string {
  const folder = folderOf(target)
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}/${file}`, input)
  return `${folder}/${file}`
}

function folderOf(target: string): string {
  return fileURLToPath(new URL(`corpus/${target}`, import.meta.url))
}

/** The whole corpus is to stay small. */
const MAX_KEPT_BYTES = 4_096
