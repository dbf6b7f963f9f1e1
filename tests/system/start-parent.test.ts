/** `npm start` whose npm is ended: the shell between them dies, and the program below it has to notice. */

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Interface } from 'node:readline'
import { afterEach, expect, test } from 'vitest'

let shell: ChildProcess | undefined

afterEach(() => shell?.kill('SIGKILL'))

/** A program below a shell, as npm has it; `; true` keeps any shell from handing its process over. */
function startBelowShell(): Interface {
  const file = new URL('../../scripts/start/watch-parent.ts', import.meta.url).href
  const program = `import { watchParent } from '${file}'
    watchParent(() => { console.log('gone'); process.exit(0) })
    console.log('started', process.pid)
    setTimeout(() => { console.log('left behind'); process.exit(1) }, 10_000)`
  shell = spawn(
    '/bin/sh',
    ['-c', '"$0" --input-type=module-typescript -e "$1"; true', process.execPath, program],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  return createInterface({ input: shell.stdout! })
}

async function nextLine(lines: Interface): Promise<string> {
  const [line] = (await once(lines, 'line')) as [string]
  return line
}

test('tells a program that the shell above it has been ended', async () => {
  const lines = startBelowShell()
  expect(await nextLine(lines)).toMatch(/^started \d+$/)
  shell?.kill('SIGTERM')
  expect(await nextLine(lines)).toBe('gone')
})
