/** Every environment of wrangler.toml deploys, as far as Wrangler can tell without an account. */

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

test.each([
  ['', 'env.KEY_RATE'],
  ['staging', 'env.KEY_RATE'],
])('environment "%s" builds and has its bindings', (environment, binding) => {
  const { status, stdout, stderr } = spawnSync('wrangler', ['deploy', '--dry-run', `--env=${environment}`], {
    cwd: ROOT,
    encoding: 'utf8',
    env: {
      ...process.env,
      WRANGLER_SEND_METRICS: 'false',
      PATH: `${ROOT}node_modules/.bin:${process.env['PATH']}`,
    },
  })
  expect({ status, stderr }).toMatchObject({ status: 0 })
  expect(stdout).toContain(binding)
})
