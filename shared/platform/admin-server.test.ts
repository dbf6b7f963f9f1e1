import { afterEach, beforeEach, expect, test } from 'vitest'
import { plainMetric } from '#shared/metrics'
import { startAdminServer } from './admin-server.ts'
import type { AdminServer } from './admin-server.ts'

let isReady = false
let server: AdminServer

beforeEach(async () => {
  server = await startAdminServer({
    host: '127.0.0.1',
    port: 0,
    isReady: () => isReady,
    metrics: () => [plainMetric('firsthop_test', 'gauge', 'A test.', 1)],
  })
})
afterEach(() => server.close())

async function ask(path: string, method = 'GET'): Promise<[number, string]> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method })
  return [response.status, await response.text()]
}

test('is healthy from the start, and ready when the node says so', async () => {
  expect(await ask('/healthz')).toEqual([200, 'ok\n'])
  expect(await ask('/readyz')).toEqual([503, 'not ready\n'])
  isReady = true
  expect(await ask('/readyz')).toEqual([200, 'ready\n'])
})

test('shows the metrics as they are at that moment', async () => {
  expect(await ask('/metrics?x=1')).toEqual([
    200,
    '# HELP firsthop_test A test.\n# TYPE firsthop_test gauge\nfirsthop_test 1\n',
  ])
})

test('has nothing else, and takes nothing but GET', async () => {
  expect((await ask('/'))[0]).toBe(404)
  expect((await ask('/metrics', 'POST'))[0]).toBe(405)
})

test('rejects when its address is taken', async () => {
  const options = { host: '127.0.0.1', port: server.port, isReady: () => true, metrics: () => [] }
  await expect(startAdminServer(options)).rejects.toThrow('EADDRINUSE')
})
