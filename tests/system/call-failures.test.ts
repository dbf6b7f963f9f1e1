import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'

import { freePorts } from '../../scripts/start/free-ports.ts'

let server: Server | undefined
afterEach(() => server?.close())

test('npm run call says that nothing listens', async () => {
  const [port] = await freePorts(1)
  const { status, errors } = await runCall('--url', `http://127.0.0.1:${port}`)
  expect(status).toBe(1)
  expect(errors).toBe(`Call failed: http://127.0.0.1:${port} cannot be reached: is it running? (npm start)\n`)
})

test('npm run call says why the API refused', async () => {
  const url = await serve((path, response) => {
    const error = { message: 'No transceiver has room.', type: 'server_error', code: 'capacity', param: null }
    if (path.endsWith('/client_secrets')) response.end('{"value":"ek_test"}')
    else response.writeHead(503).end(JSON.stringify({ error }))
  })
  const { status, errors } = await runCall('--url', url, '--json')
  expect(status).toBe(1)
  expect(errors).toBe(
    'Call failed: /v1/realtime/calls was refused: 503 No transceiver has room. (capacity)\n',
  )
})

test('npm run call says that the answer takes no audio, and hangs up', async () => {
  const hungUp: string[] = []
  const url = await serve((path, response) => {
    if (path.endsWith('/hangup')) hungUp.push(path)
    if (path.endsWith('/calls')) response.writeHead(201, { Location: '/v1/realtime/calls/rtc_x' })
    response.end(path.endsWith('/client_secrets') ? '{"value":"ek_test"}' : 'no SDP')
  })
  const { status, errors } = await runCall('--url', url)
  expect(status).toBe(1)
  expect(errors).toBe('Call failed: the answer takes no audio\n')
  expect(hungUp).toEqual(['/v1/realtime/calls/rtc_x/hangup'])
})

test('npm run call refuses options that mean nothing', async () => {
  expect(await runCall('--seconds', 'ten')).toMatchObject({
    status: 1,
    errors: expect.stringContaining('--seconds'),
  })
  expect(await runCall('--url', 'nowhere')).toMatchObject({
    status: 1,
    errors: expect.stringContaining('--url'),
  })
  expect(await runCall('--loud')).toMatchObject({ status: 1, errors: expect.stringContaining('--loud') })
})

async function serve(handle: (path: string, response: ServerResponse) => void): Promise<string> {
  server = createServer((request, response) => handle(request.url ?? '', response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function runCall(...options: string[]): Promise<{ status: number; errors: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['scripts/call/main.ts', ...options], (error, _, errors) => {
      resolve({ status: typeof error?.code === 'number' ? error.code : 0, errors })
    })
  })
}
