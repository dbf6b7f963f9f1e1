/** What a relay does first: it reads its configuration, and has its threads load while it loads the rest itself. */

import { readI32 } from '#shared/bytes'
import { LINK_COOKIE_BYTES } from '#shared/link/frame'
import { randomBytes } from '#shared/platform/crypto'
import { readConfig } from './config.ts'
import type { RelayNodeConfig } from './config.ts'
import { openSpareThreads } from './io/spare-threads.ts'
import { threadConfigOf } from './io/thread-config.ts'

/** The relay's configuration; a process that has a mistake in it ends here. */
export const config = configOrExit()

/** What its threads share: the boot secret of the link, and the key of the flow tables. */
export const secrets = { cookie: randomBytes(LINK_COOKIE_BYTES), hashKey: randomWords() }

/** Its threads; none when one thread carries all. */
export const spares =
  config.threads > 0 ? openSpareThreads(config.threads, threadConfigOf(config, secrets)) : undefined

/** Draws two random words. */
export function randomWords(): [number, number] {
  const bytes = randomBytes(8)
  return [readI32(bytes, 0), readI32(bytes, 4)]
}

function configOrExit(): RelayNodeConfig {
  try {
    return readConfig(process.env)
  } catch (error) {
    console.error((error as Error).message)
    process.exit(2)
  }
}
