/** What a relay does first: it reads its configuration, and has its threads load while it loads the rest itself. */

import { readConfig } from './config.ts'
import type { RelayNodeConfig } from './config.ts'
import { SpareThreads } from './io/spare-threads.ts'

/** The relay's configuration; a process that has a mistake in it ends here. */
export const config = configOrExit()

/** Its threads; none when one thread carries all. */
export const spares = config.threads > 0 ? new SpareThreads(config.threads) : undefined

function configOrExit(): RelayNodeConfig {
  try {
    return readConfig(process.env)
  } catch (error) {
    console.error((error as Error).message)
    process.exit(2)
  }
}
