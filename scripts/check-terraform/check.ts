/** The offline checks of the Terraform configuration and of what it ships; docs/operate.md says what they do not see. */

import { globSync } from 'node:fs'
import { dirname } from 'node:path'
import { checkCloudConfig, checkShell, checkUnits } from './rendered.ts'
import type { ToolOutcome } from './rendered.ts'
import { TerraformCopy, hasTerraform } from './terraform.ts'

/** What became of one check. */
export interface CheckResult {
  readonly name: string
  readonly verdict: 'passed' | 'failed' | 'left-out'
  /** What the tool said, or why there is none. */
  readonly output: string
}

/** Runs every check of the repository in `root` that this machine can run, and tells each result as it comes. */
export async function* checkAll(root: string): AsyncGenerator<CheckResult> {
  if (hasTerraform()) yield* checkTerraform(root)
  else yield resultOf('terraform fmt, validate and test; cloud-init', { absent: 'terraform' })
  yield resultOf('systemd units', checkUnits(root))
  yield resultOf('shell scripts', checkShell(root))
}

async function* checkTerraform(root: string): AsyncGenerator<CheckResult> {
  const copy = await TerraformCopy.open(root)
  try {
    yield checkForm(copy)
    for (const folder of foldersWithTests(root)) yield* checkFolder(copy, folder)
    yield resultOf('cloud-init', checkCloudConfig(renderCloudConfig(copy)))
  } finally {
    copy.close()
  }
}

/** Folders of the configuration in `root` that have tests. */
export function foldersWithTests(root: string): string[] {
  const tests = globSync('terraform/**/tests/*.tftest.hcl', { cwd: root })
  return [...new Set(tests.map((test) => dirname(dirname(test))))].toSorted()
}

/** Asks whether everything is formatted. */
export function checkForm(copy: TerraformCopy): CheckResult {
  return resultOf('terraform fmt', copy.run('terraform', 'fmt', '-check', '-recursive', '-diff', '-no-color'))
}

/** Validates one folder of the configuration, and runs its tests. */
export function* checkFolder(copy: TerraformCopy, folder: string): Generator<CheckResult> {
  const prepared = copy.run(folder, 'init', '-backend=false', '-input=false', '-no-color')
  if (!prepared.ok) return yield resultOf(`${folder}: init`, prepared)
  const validated = copy.run(folder, 'validate', '-no-color')
  yield resultOf(`${folder}: validate`, validated)
  if (!validated.ok) return
  const tested = copy.run(folder, 'test', '-no-color')
  // A run that finds no test succeeds.
  const hasRun = /Success! [1-9]\d* passed, 0 failed/.test(tested.output)
  yield resultOf(`${folder}: test`, { ok: tested.ok && hasRun, output: tested.output })
}

/** Renders the template of the nodes' cloud-init, with every unit in it. */
function renderCloudConfig(copy: TerraformCopy): string {
  const units = `${copy.root}/terraform/packages/systemd`
  const file = `{ path = "/etc/systemd/system/\${name}", permissions = "0644", content = file("${units}/\${name}") }`
  const values = `{ units = ["firsthop-relay.service"], files = [for name in fileset("${units}", "*") : ${file}] }`
  const template = `${copy.root}/terraform/packages/cloud-init/node.yaml.tftpl`
  const { output } = copy.evaluate(`base64encode(templatefile("${template}", ${values}))`)
  return Buffer.from(output.trim().replaceAll('"', ''), 'base64').toString()
}

function resultOf(name: string, outcome: ToolOutcome): CheckResult {
  if ('absent' in outcome) return { name, verdict: 'left-out', output: `${outcome.absent} is not installed` }
  return { name, verdict: outcome.ok ? 'passed' : 'failed', output: outcome.output }
}
