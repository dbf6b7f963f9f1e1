/** The whole stack as an application's developer finds it: a URL for `baseURL`, and an API key for the server. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeKey } from '../../scripts/make-key.ts'
import { freeStackPorts, startStack } from '../../scripts/start/stack.ts'
import type { Stack } from '../../scripts/start/stack.ts'

/** A stack with one API key. */
export interface ClientStack extends Stack {
  readonly apiKey: string
  /** What OpenAI's libraries take as `baseURL`. */
  readonly baseUrl: string
}

/** Starts it on free ports; `environment` is added to every node's. */
export async function startClientStack(
  environment: Readonly<Record<string, string>> = {},
): Promise<ClientStack> {
  const folder = mkdtempSync(join(tmpdir(), 'firsthop-'))
  const apiKeysFile = join(folder, 'api-keys.json')
  const apiKey = makeKey({ id: 'application' }, apiKeysFile)
  const ports = await freeStackPorts()
  const stack = await startStack({ ports, onLine: () => undefined, environment, apiKeysFile })
  rmSync(folder, { recursive: true })
  return { ...stack, apiKey, baseUrl: `${stack.url}/v1` }
}
