/** Tells whether batched sockets work here: `batch-layout.ts` knows the structures of 64-bit Linux on two processors. */

/** True on Linux on x86-64 and Arm64. */
export function isBatchSupported(): boolean {
  return process.platform === 'linux' && (process.arch === 'x64' || process.arch === 'arm64')
}
