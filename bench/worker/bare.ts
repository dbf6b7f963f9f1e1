/** What the Worker is measured against: Hono, one route, no work. */

import { Hono } from 'hono'

export default new Hono().post('/v1/realtime/calls', async (context) => {
  await context.req.text()
  return context.body('v=0\r\n', 201, { 'Content-Type': 'application/sdp' })
})
