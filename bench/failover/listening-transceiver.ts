/**
 * The real transceiver with an ear, loaded before its own `main.ts` in each of its threads (`node --import`): every
 * packet that the jitter buffer takes is noted. What was noted leaves on the standard output as JSON, a line every 50 ms:
 * `{"arrivals": [[callId, link, machineMillis], …]}`, where `link` is the index in its relay directory.
 */

import { Call } from '../../transceiver-nodes/io/call.ts'
import { machineNow } from './arrivals.ts'
import type { NotedArrival } from './arrivals.ts'

const REPORT_INTERVAL = 50

const noted: NotedArrival[] = []
// oxlint-disable-next-line typescript/unbound-method -- called on its call below
const { handleRtp } = Call.prototype

Call.prototype.handleRtp = function (this: Call, start, length, path, now) {
  const drop = handleRtp.call(this, start, length, path, now)
  if (drop === undefined) noted.push([this.callId, path.link, machineNow()])
  return drop
}

setInterval(() => {
  if (noted.length > 0) console.log(JSON.stringify({ arrivals: noted.splice(0) }))
}, REPORT_INTERVAL).unref()
