/**
 * The embedded store as a process of its own: `node scripts/local-store/main.ts <address> <port>`.
 *
 * STORE_TOKEN is the token that is let in. Everything is in memory.
 */

import { startLocalStore } from './server.ts'

const [host = '127.0.0.1', port = '8079'] = process.argv.slice(2)
const token = process.env['STORE_TOKEN'] ?? ''
if (token === '') throw new Error('STORE_TOKEN is not set')
const { url } = await startLocalStore({ host, port: Number(port), token })
console.log(`The store is at ${url}`)
