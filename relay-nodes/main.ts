/**
 * The entry of a relay: has Node keep compiled code from one start to the next, and loads the relay.
 *
 * Every call of a relay that has restarted waits for these imports, and the cache halves them (docs/relay.md). The
 * threads find it by the environment.
 */

import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import { widenInlining } from './io/inlining.ts'

// Before anything is loaded: code kept by one start fits the next only under the same flags of V8.
widenInlining()
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('../.firsthop/compile-cache', import.meta.url))
enableCompileCache()
// First what lets the threads load, then everything else.
await import('./startup.ts')
await import('./relay-node.ts')
