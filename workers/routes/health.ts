/** Probes: `/healthz` tells whether the Worker runs, `/readyz` whether it knows a fleet that can take a call. */

import { Hono } from 'hono'
import { keepAliveOf } from '../edge.ts'
import type { EdgeContext } from '../edge.ts'

export const health = new Hono<EdgeContext>()
  .get('/healthz', (context) => context.json({ status: 'ok' }))
  .get('/readyz', async (context) => {
    const fleet = await context.get('edge').fleet.snapshot(keepAliveOf(context))
    const relays = fleet?.relays.length ?? 0
    const transceivers = fleet?.transceivers.length ?? 0
    const isReady = relays > 0 && transceivers > 0
    return context.json({ status: isReady ? 'ready' : 'no-fleet', relays, transceivers }, isReady ? 200 : 503)
  })
