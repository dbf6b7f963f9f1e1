import { defineConfig } from 'vitest/config'

/**
 * Three projects: `unit` beside the code, `system` with real processes and sockets, `e2e` with Chromium.
 * They run in this order; the last two share one machine's ports and cores, so their files run one after another.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          sequence: { groupOrder: 0 },
          // Properties run hundreds of cases: on a busy machine that is more than the default of five seconds.
          testTimeout: 30_000,
          include: ['{shared,relay-nodes,transceiver-nodes,workers,scripts,bench}/**/*.test.ts'],
        },
      },
      {
        test: {
          name: 'system',
          sequence: { groupOrder: 1 },
          include: ['tests/{system,simulation}/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          sequence: { groupOrder: 2 },
          include: ['tests/e2e/**/*.test.ts', 'tests/clients/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
