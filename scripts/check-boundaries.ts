/**
 * Checks the boundaries that the compiler cannot see: clock and randomness in pure code, packages in pure
 * code, and imports between the deployables. CONTRIBUTING.md gives the reasons.
 *
 * Exits with 1 and one teaching line per offence, and refuses to pass when it has looked at nothing.
 */

import { readFileSync, globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Rule {
  readonly applies: (file: string) => boolean
  readonly pattern: RegExp
  readonly lesson: string
}

const DEPLOYABLES = ['workers', 'relay-nodes', 'transceiver-nodes']

const RULES: readonly Rule[] = [
  {
    applies: isPure,
    pattern: /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b/,
    lesson: 'pure code is told the time: take `now` as the last argument',
  },
  {
    applies: isPure,
    pattern: /\bMath\.random\b|\bgetRandomValues\b/,
    lesson: 'pure code is handed its randomness: take it as an argument',
  },
  {
    applies: isPure,
    pattern: /from '(?!\.|#shared\/|valibot')[^']+'/,
    lesson: 'pure code imports neighbours, #shared and valibot only',
  },
  {
    applies: isPure,
    pattern: /from '#shared\/platform\/|from '[^']*\/io\//,
    lesson: 'pure code never imports the shell',
  },
  {
    applies: (file) => !/^(workers|shared\/platform|tests|scripts|bench)\//.test(file),
    pattern: /from '@upstash\/redis/,
    lesson: 'the store is reached through shared/platform/store only',
  },
  {
    applies: () => true,
    pattern: /\benum [A-Z]|\bnamespace [A-Z]/,
    lesson: 'Node strips types only: use a union of strings',
  },
  ...DEPLOYABLES.map((name) => ({
    applies: (file: string) => file.startsWith(`${name}/`) || file.startsWith('shared/'),
    pattern: new RegExp(`from '[^']*(${DEPLOYABLES.filter((other) => other !== name).join('|')})/`),
    lesson: 'deployables never import each other: what two of them need belongs in shared/',
  })),
]

const files = globSync('{shared,workers,relay-nodes,transceiver-nodes}/**/*.ts', { cwd: root })
  .filter((file) => !file.endsWith('.test.ts') && !file.endsWith('.d.ts'))
  .toSorted()
const offences = files.flatMap(offencesIn)
for (const offence of offences) console.error(offence)
console.log(`boundaries: ${files.length} files, ${offences.length} offences`)
if (files.length === 0 || offences.length > 0) process.exitCode = 1

function offencesIn(file: string): string[] {
  const rules = RULES.filter((rule) => rule.applies(file))
  return readFileSync(root + file, 'utf8')
    .split('\n')
    .flatMap((line, index) =>
      /^\s*(\*|\/\/|\/\*)/.test(line)
        ? []
        : rules
            .filter((rule) => rule.pattern.test(line))
            .map((rule) => `${file}:${index + 1}: ${rule.lesson}\n    ${line.trim()}`),
    )
}

function isPure(file: string): boolean {
  return /^shared\/(?!platform\/)/.test(file) || /^(relay|transceiver)-nodes\/core\//.test(file)
}
