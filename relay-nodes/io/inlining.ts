/** V8's budget for inlining: the packet path is many small functions, and a call of each costs more than its work. */

import { setFlagsFromString } from 'node:v8'

/**
 * Lets the compiler make one function of the way of a packet, for the whole process: a fifteenth of the packets that
 * a CPU-second forwards (docs/benchmarks.md). What is compiled already stays as it is.
 */
export function widenInlining(): void {
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${INLINED_BYTECODE_BYTES}`)
}

/** Three times V8's own bound, which the way of a packet exceeds. */
const INLINED_BYTECODE_BYTES = 3_000
