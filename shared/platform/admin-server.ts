/**
 * A node's door for its operators: `/healthz`, `/readyz` and `/metrics` over plain HTTP.
 *
 * Not for the internet: it has no authentication, and belongs on a private address.
 */

import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { formatMetrics } from '#shared/metrics'
import type { Metric } from '#shared/metrics'

export interface AdminServerOptions {
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
  /** Whether new work may come: false while starting and while draining. */
  readonly isReady: () => boolean
  readonly metrics: () => readonly Metric[]
}

export interface AdminServer {
  readonly port: number
  close(): Promise<void>
}

/** Starts the server; resolves when it listens, rejects when the address is taken. */
export async function startAdminServer({
  host,
  port,
  isReady,
  metrics,
}: AdminServerOptions): Promise<AdminServer> {
  const answer = (path: string): Answer => {
    if (path === '/healthz') return [200, 'ok\n']
    if (path === '/readyz') return isReady() ? [200, 'ready\n'] : [503, 'not ready\n']
    if (path === '/metrics') return [200, formatMetrics(metrics())]
    return [404, 'not found\n']
  }
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '/'
    const [status, text] = request.method === 'GET' ? answer(path) : METHOD_NOT_ALLOWED
    response.writeHead(status, { 'content-type': CONTENT_TYPE }).end(text)
  })
  await listen(server, host, port)
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server) }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve())
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

type Answer = readonly [status: number, text: string]

const METHOD_NOT_ALLOWED: Answer = [405, 'method not allowed\n']

/** The content type of the Prometheus exposition format 0.0.4; plain text to everyone else. */
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'
