/** `npm run check:terraform`: one line for each check; the output of those that fail, and what was left out and why. */

import { fileURLToPath } from 'node:url'
import { checkAll } from './check.ts'
import type { CheckResult } from './check.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const WORDS: Readonly<Record<CheckResult['verdict'], string>> = {
  passed: 'ok      ',
  failed: 'FAILED  ',
  'left-out': 'left out',
}

const results: CheckResult[] = []
for await (const result of checkAll(ROOT)) {
  results.push(result)
  console.log(
    `${WORDS[result.verdict]}  ${result.name}${result.verdict === 'left-out' ? `: ${result.output}` : ''}`,
  )
  if (result.verdict === 'failed') console.log(result.output)
}
const count = (verdict: CheckResult['verdict']) =>
  results.filter((result) => result.verdict === verdict).length
console.log(`${count('passed')} passed, ${count('failed')} failed, ${count('left-out')} left out`)
if (count('failed') > 0) process.exitCode = 1
