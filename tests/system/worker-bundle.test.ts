/** What a deployment of the Worker uploads. */

import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MAX_GZIPPED_BYTES = 80 * 1_024

test('the Worker bundle has at most 80 KB, gzipped', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'worker-bundle-'))
  try {
    await promisify(execFile)(
      join(ROOT, 'node_modules/.bin/wrangler'),
      ['deploy', '--dry-run', '--outdir', folder],
      { cwd: ROOT, env: { ...process.env, WRANGLER_SEND_METRICS: 'false' } },
    )
    const scripts = readdirSync(folder).filter((name) => name.endsWith('.js'))
    const bytes = gzipSync(Buffer.concat(scripts.map((name) => readFileSync(join(folder, name))))).length
    expect(scripts).toHaveLength(1)
    expect(bytes).toBeGreaterThan(10_000)
    expect(bytes).toBeLessThanOrEqual(MAX_GZIPPED_BYTES)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
