/** The Terraform configuration, held to its offline checks: on its own, and on copies in which something is broken. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkFolder, checkForm, foldersWithTests } from '../../scripts/check-terraform/check.ts'
import { checkUnits } from '../../scripts/check-terraform/rendered.ts'
import { TerraformCopy, hasTerraform } from '../../scripts/check-terraform/terraform.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const RELAY_REGION = 'terraform/modules/relay-region'
const EXAMPLE = 'terraform/environments/example'
const isPresent = hasTerraform()
if (!isPresent)
  console.log('The checks of the Terraform configuration are left out: terraform is not installed.')

describe.skipIf(!isPresent)('the Terraform configuration', { timeout: 180_000 }, () => {
  let copy: TerraformCopy
  beforeAll(async () => {
    copy = await TerraformCopy.open(ROOT)
  })
  afterAll(() => copy.close())

  test('is formatted', () => {
    expect(checkForm(copy)).toMatchObject({ verdict: 'passed' })
  })

  test.each(foldersWithTests(ROOT))('is valid and plans what %s asserts', (folder) => {
    for (const result of checkFolder(copy, folder)) expect(result).toMatchObject({ verdict: 'passed' })
  })

  test('fails on a misspelt argument', () => {
    const output = outputOfBroken('main.tf', 'session_affinity                =', 'sesion_affinity =')
    expect(output).toContain('An argument named "sesion_affinity" is not expected here')
  })

  test('fails on a missing variable', () => {
    const output = outputOfBroken('main.tf', /^ +package += var.relay_package\n/m, '', EXAMPLE)
    expect(output).toContain('The argument "package" is required')
  })

  test('fails on a port that is opened beside the two', () => {
    const added = '  allow {\n    protocol = "tcp"\n    ports    = ["22"]\n  }\n\n  dynamic "allow" {'
    const output = outputOfBroken('main.tf', '  dynamic "allow" {', added)
    expect(output).toContain('exactly one UDP and one TCP port must be open to the world')
  })

  test('fails on a secret in an output', () => {
    const added =
      'output "leak" {\n  value = google_secret_manager_secret_version.environment.secret_data\n}\n\noutput "relay" {'
    expect(outputOfBroken('outputs.tf', 'output "relay" {', added)).toMatch(/sensitive/)
  })

  /** What the checks of a folder say when `text` has been replaced in one of its files. */
  function outputOfBroken(
    file: string,
    text: string | RegExp,
    replacement: string,
    folder = RELAY_REGION,
  ): string {
    const path = join(copy.root, folder, file)
    const whole = readFileSync(path, 'utf8')
    const broken = whole.replace(text, replacement)
    expect(broken).not.toBe(whole)
    writeFileSync(path, broken)
    const results = [...checkFolder(copy, folder)]
    writeFileSync(path, whole)
    expect(results.some(({ verdict }) => verdict === 'failed')).toBe(true)
    return results
      .map(({ output }) => output)
      .join('')
      .replaceAll(/\s+/g, ' ')
  }
})

test('the systemd units are ones that systemd takes', (context) => {
  const outcome = checkUnits(ROOT)
  if ('absent' in outcome) return context.skip(`${outcome.absent} is not installed`)
  expect(outcome).toMatchObject({ ok: true })
})
