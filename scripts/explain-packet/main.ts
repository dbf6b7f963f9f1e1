/** `npm run explain-packet`: hex in, verdict out. docs/relay.md, "Explaining a packet". */

import { explainClientPacket, explainLinkDatagram } from './explain.ts'
import { readOptions, USAGE } from './options.ts'

if (process.argv.includes('--help')) {
  console.log(USAGE)
  process.exit(0)
}
try {
  const { packet, from, context, isLink, cookie, boundTo } = readOptions(process.argv.slice(2))
  const lines = isLink
    ? explainLinkDatagram(packet, from, context, cookie)
    : explainClientPacket(packet, from, context, boundTo)
  console.log(lines.join('\n'))
} catch (error) {
  console.error(`${(error as Error).message}\n\n${USAGE}`)
  process.exit(2)
}
