/**
 * `npm run bundle`: packages of the relay and the transceiver, and the Worker's bundle, in dist/.
 *
 * With `--archive` each node's package gets the Node that runs this, and becomes one file that a machine needs nothing
 * beside: dist/firsthop-<kind>-<version>-<platform>.tar.gz, whose SHA-256 is printed.
 */

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bundleNode } from './bundle.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DIST = `${ROOT}dist`

for (const kind of ['relay', 'transceiver'] as const) {
  const files = await bundleNode(kind, `${DIST}/${kind}`)
  const scripts = files.filter((file) => file.endsWith('.mjs'))
  console.log(
    `dist/${kind}: ${scripts.map((file) => `${nameIn(file)} (${kilobytes(`${ROOT}${file}`)} KB)`).join(', ')}`,
  )
  if (process.argv.includes('--archive')) console.log(archive(kind))
}
execFileSync('wrangler', ['deploy', '--env=', '--dry-run', '--outdir', `${DIST}/worker`], {
  cwd: ROOT,
  env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' },
  stdio: ['ignore', 'ignore', 'inherit'],
})
console.log(`dist/worker: index.js (${kilobytes(`${DIST}/worker/index.js`)} KB)`)

function archive(kind: string): string {
  copyFileSync(process.execPath, `${DIST}/${kind}/node`)
  const { version } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { version: string }
  const name = `firsthop-${kind}-${version}-${process.platform}-${process.arch}.tar.gz`
  execFileSync('tar', ['-czf', `${DIST}/${name}`, '-C', `${DIST}/${kind}`, '--owner=0', '--group=0', '.'])
  const sha256 = createHash('sha256')
    .update(readFileSync(`${DIST}/${name}`))
    .digest('hex')
  return `dist/${name}: SHA-256 ${sha256}`
}

function nameIn(path: string): string {
  return path.replace(/^.*\//, '')
}

function kilobytes(path: string): number {
  return Math.round(statSync(path).size / 1024)
}
