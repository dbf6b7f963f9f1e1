/**
 * Makes a fresh clone runnable: installs the npm packages and, with `--tests`, Chromium, redis-server and the other
 * system packages that the tests run or load.
 *
 * Plain JavaScript without dependencies, because it runs on whatever Node the machine has (20 or newer)
 * before the project's own Node 26 is there: that one comes with the packages, and npm puts it first on the
 * PATH of every script. Does nothing when all is in place.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

const TEST_PROGRAMS = [
  { debianPackage: 'chromium', paths: ['/usr/bin/chromium', '/usr/bin/google-chrome'] },
  { debianPackage: 'redis-server', paths: ['/usr/bin/redis-server'] },
  {
    debianPackage: 'libopus0',
    paths: ['/usr/lib/x86_64-linux-gnu/libopus.so.0', '/usr/lib/aarch64-linux-gnu/libopus.so.0'],
  },
  { debianPackage: 'iproute2', paths: ['/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip'] },
]

installPackages()
if (process.argv.includes('--tests')) installTestPrograms()

function installPackages() {
  const installed = `${root}node_modules/.package-lock.json`
  const wanted = `${root}package-lock.json`
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return
  console.log('Installing npm packages (once) …')
  run('npm', ['ci', '--ignore-scripts'], root)
}

function installTestPrograms() {
  const missing = TEST_PROGRAMS.filter((program) => !program.paths.some((path) => existsSync(path)))
  if (missing.length === 0) return
  const packages = missing.map((program) => program.debianPackage)
  if (!existsSync('/usr/bin/apt-get') || process.getuid?.() !== 0) {
    console.error(
      `The tests need ${packages.join(' and ')}. Install with: sudo apt-get install ${packages.join(' ')}`,
    )
    process.exit(1)
  }
  console.log(`Installing ${packages.join(' and ')} (once) …`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  run('apt-get', ['update', '-qq'], root, env)
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], root, env)
}

function run(command, args, cwd, env = process.env) {
  const { status, error } = spawnSync(command, args, { cwd, env, stdio: ['ignore', 'inherit', 'inherit'] })
  if (status === 0) return
  console.error(
    `${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ` with status ${status}`}`,
  )
  process.exit(1)
}
