/** Checks of what Terraform and systemd will hand to a machine, by the tools of that machine, where they are installed. */

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Outcome } from './terraform.ts'

/** An outcome, or the tool that is absent. */
export type ToolOutcome = Outcome | { readonly absent: string }

/** Holds every unit of terraform/packages/systemd to `systemd-analyze verify`. */
export function checkUnits(root: string): ToolOutcome {
  if (!isInstalled('systemd-analyze')) return { absent: 'systemd-analyze' }
  return withFolder((folder) => {
    const source = join(root, 'terraform/packages/systemd')
    const units = readdirSync(source).filter((name) => name.endsWith('.service'))
    for (const unit of units) {
      // What a node installs is not on this machine: the units' programs stand for themselves.
      const text = readFileSync(join(source, unit), 'utf8').replaceAll(INSTALLED_PROGRAM, '=/bin/true')
      writeFileSync(join(folder, unit), text)
    }
    const { status, stderr } = spawnSync(
      'systemd-analyze',
      ['verify', ...units.map((unit) => join(folder, unit))],
      {
        encoding: 'utf8',
        env: { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` },
      },
    )
    // It warns of unknown settings and succeeds all the same; what it says of other units is not ours.
    const complaints = stderr.split('\n').filter((line) => line.includes('firsthop'))
    return { ok: status === 0 && complaints.length === 0, output: complaints.join('\n') || stderr }
  })
}

/** Holds a cloud-init configuration to its own schema. */
export function checkCloudConfig(text: string): ToolOutcome {
  if (!isInstalled('cloud-init')) return { absent: 'cloud-init' }
  return withFolder((folder) => {
    const path = join(folder, 'user-data.yaml')
    writeFileSync(path, text)
    return run('cloud-init', 'schema', '--config-file', path)
  })
}

/** Holds every shell script that is shipped to shellcheck, or to `sh -n` where that is absent. */
export function checkShell(root: string): ToolOutcome {
  const scripts = SCRIPTS.map((script) => join(root, script))
  return isInstalled('shellcheck') ? run('shellcheck', ...scripts) : { absent: 'shellcheck' }
}

function run(command: string, ...args: readonly string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(command, [...args], { encoding: 'utf8' })
  return { ok: status === 0, output: `${stdout}${stderr}` }
}

function isInstalled(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
}

function withFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'firsthop-rendered-'))
  mkdirSync(folder, { recursive: true })
  try {
    return use(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const INSTALLED_PROGRAM = /=\/(opt\/firsthop|usr\/local\/lib\/firsthop)\/\S+/g
const SCRIPTS = ['terraform/packages/google/configure']
