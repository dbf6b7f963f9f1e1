/** Runs Terraform offline: on a copy of the configuration, with stubs for providers, and nothing is left behind. */

import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** What a command said. */
export interface Outcome {
  readonly ok: boolean
  readonly output: string
}

/** Whether there is a Terraform to run. */
export function hasTerraform(): boolean {
  return spawnSync('terraform', ['version'], { stdio: 'ignore' }).status === 0
}

/** A copy of what Terraform reads in a repository, in which it may run; `close` removes it. */
export class TerraformCopy {
  /** The copy's root, where a test may break things. */
  readonly root: string
  readonly #stubs: ChildProcess
  readonly #environment: NodeJS.ProcessEnv

  /** Copies what the Terraform configuration of `repository` consists of and names, and starts the stubs. */
  static async open(repository: string): Promise<TerraformCopy> {
    const root = mkdtempSync(join(tmpdir(), 'firsthop-terraform-'))
    for (const part of COPIED) cpSync(join(repository, part), join(root, part), { recursive: true })
    const schemas = globSync('terraform/schemas/*.json', { cwd: repository })
    const stubs = spawn(
      process.execPath,
      [STUBS, root, ...schemas.map((schema) => join(repository, schema))],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const [providers] = (await once(createInterface({ input: stubs.stdout }), 'line')) as [string]
    return new TerraformCopy(root, stubs, providers)
  }

  private constructor(root: string, stubs: ChildProcess, providers: string) {
    this.root = root
    this.#stubs = stubs
    this.#environment = {
      PATH: process.env['PATH'],
      HOME: root,
      TF_CLI_CONFIG_FILE: '/dev/null',
      TF_REATTACH_PROVIDERS: providers,
      TF_IN_AUTOMATION: '1',
      CHECKPOINT_DISABLE: '1',
    }
  }

  /** Runs `terraform` in `folder` of the copy. */
  run(folder: string, ...args: readonly string[]): Outcome {
    return this.#run(folder, args, '')
  }

  /** Evaluates an expression that names no part of the configuration. */
  evaluate(expression: string): Outcome {
    return this.#run('.', ['console'], expression)
  }

  #run(folder: string, args: readonly string[], input: string): Outcome {
    const { status, stdout, stderr } = spawnSync('terraform', args, {
      cwd: join(this.root, folder),
      env: { ...this.#environment, TF_DATA_DIR: join(this.root, '.data', folder.replaceAll('/', '_')) },
      input,
      encoding: 'utf8',
      timeout: COMMAND_TIMEOUT,
    })
    return { ok: status === 0, output: `${stdout}${stderr}` }
  }

  close(): void {
    this.#stubs.kill()
    rmSync(this.root, { recursive: true })
  }
}

const STUBS = fileURLToPath(new URL('stub-providers.ts', import.meta.url))
/** What the configuration reads: the Worker's sources tell it when to deploy. */
const COPIED = ['terraform', 'wrangler.toml', 'package-lock.json', 'shared', 'workers']
const COMMAND_TIMEOUT = 120_000
