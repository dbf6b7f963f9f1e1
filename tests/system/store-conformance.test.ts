/**
 * One suite for both engines behind the REST front, driven by the client that the project uses: what passes here
 * against a real redis-server and against the embedded engine may be relied on.
 */

import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Redis } from '@upstash/redis/cloudflare'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openBindingStore } from '#shared/platform/binding-store'
import type { BindingStore } from '#shared/platform/binding-store'
import { monotonicNow } from '#shared/platform/clock'
import type { Engine } from '../../scripts/local-store/engine.ts'
import { MemoryEngine } from '../../scripts/local-store/memory-engine.ts'
import { createRestServer } from '../../scripts/local-store/rest-server.ts'
import { RedisEngine } from './redis-engine.ts'
import { HAS_REDIS, startRedisServer } from './redis-server.ts'

interface OpenEngine {
  readonly engine: Engine
  close(): Promise<void>
}

function openMemoryEngine(): Promise<OpenEngine> {
  return Promise.resolve({ engine: new MemoryEngine(monotonicNow), close: () => Promise.resolve() })
}

async function openRedisEngine(): Promise<OpenEngine> {
  const redisServer = await startRedisServer()
  const engine = new RedisEngine(redisServer.port)
  return {
    engine,
    close: async () => {
      engine.close()
      await redisServer.stop()
    },
  }
}

describe('the embedded engine', () => describeStore(openMemoryEngine))
describe.runIf(HAS_REDIS)('a real redis-server', () => describeStore(openRedisEngine))

function describeStore(openEngine: () => Promise<OpenEngine>): void {
  let open: OpenEngine
  let server: Server
  let url: string
  let redis: Redis

  beforeAll(async () => {
    open = await openEngine()
    server = createRestServer({ engine: open.engine, token: 'right' }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    redis = new Redis({
      url,
      token: 'right',
      enableTelemetry: false,
      enableAutoPipelining: false,
      retry: false,
    })
  })
  beforeEach(() => redis.flushall())
  afterAll(async () => {
    server.close()
    server.closeAllConnections()
    await open.close()
  })

  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    fetch(`${url}${path}`, { method: 'POST', body, headers: { authorization: 'Bearer right', ...headers } })

  test('answers a ping, with or without a message', async () => {
    expect(await redis.ping()).toBe('PONG')
    expect(await redis.ping(['hello'])).toBe('hello')
  })

  test('keeps strings, numbers, JSON and text outside ASCII', async () => {
    await redis.mset({ text: 'grüß dich 👋', number: 7, json: { a: [1, null] }, ok: 'OK' })
    expect(await redis.mget('text', 'number', 'json', 'ok', 'absent')).toEqual([
      'grüß dich 👋',
      7,
      { a: [1, null] },
      'OK',
      null,
    ])
  })

  test('sets only what does not exist with NX, and only what exists with XX', async () => {
    expect(await redis.set('key', 'first', { nx: true })).toBe('OK')
    expect(await redis.set('key', 'second', { nx: true })).toBeNull()
    expect(await redis.set('other', 'third', { xx: true })).toBeNull()
    expect(await redis.set('key', 'fourth', { xx: true })).toBe('OK')
    expect(await redis.get('key')).toBe('fourth')
  })

  test('lets a key live as long as it was given', async () => {
    await redis.set('key', 'value', { ex: 100 })
    expect(await redis.ttl('key')).toBe(100)
    await redis.set('key', 'value')
    expect(await redis.ttl('key')).toBe(-1)
    expect(await redis.expire('key', 50)).toBe(1)
    expect(await redis.ttl('key')).toBe(50)
    expect(await redis.expire('absent', 50)).toBe(0)
    expect(await redis.ttl('absent')).toBe(-2)
  })

  test('forgets a key whose life has ended', async () => {
    await redis.set('key', 'value', { px: 1 })
    await expect.poll(() => redis.get('key')).toBeNull()
    await redis.set('key', 'value')
    expect(await redis.expire('key', -1)).toBe(1)
    expect(await redis.exists('key')).toBe(0)
    expect(await redis.dbsize()).toBe(0)
  })

  test('counts what it deletes and what exists', async () => {
    await redis.mset({ a: 1, b: 2 })
    expect(await redis.exists('a', 'b', 'c')).toBe(2)
    expect(await redis.del('a', 'b', 'c')).toBe(2)
    expect(await redis.dbsize()).toBe(0)
  })

  test('keeps hashes: fields are added, replaced, read and removed', async () => {
    expect(await redis.hset('hash', { a: { id: 1 }, b: 'two' })).toBe(2)
    expect(await redis.hset('hash', { b: 'zwei', c: 'drei' })).toBe(1)
    expect(await redis.hlen('hash')).toBe(3)
    expect(await redis.hget('hash', 'a')).toEqual({ id: 1 })
    expect(await redis.hget('hash', 'absent')).toBeNull()
    expect(await redis.hmget('hash', 'b', 'absent')).toEqual({ b: 'zwei', absent: null })
    expect(await redis.hgetall('hash')).toEqual({ a: { id: 1 }, b: 'zwei', c: 'drei' })
    expect((await redis.hvals('hash')).length).toBe(3)
    expect(await redis.hdel('hash', 'a', 'absent')).toBe(1)
  })

  test('keeps the bindings of each VIP as they were written, thousands in one command', async () => {
    const [bindings, others] = ['203.0.113.7', '2001:db8::7'].map((vip) =>
      openBindingStore({ url, token: 'right' }, vip),
    ) as [BindingStore, BindingStore]
    const field = (port: number) => `c633640700${port.toString(16).padStart(4, '0')}`
    const rows = new Map(Array.from({ length: 4_096 }, (_, i) => [field(i + 1), `00${i}`]))
    await bindings.write(rows)
    await bindings.write(new Map([['007', '001e5']]))
    expect(await bindings.read(['007', 'absent', field(9)])).toEqual(['001e5', null, '008'])
    const all = await bindings.readAll()
    expect(all).toHaveLength(2 * 4_097)
    expect(all[all.indexOf(field(4_096)) + 1]).toBe('004095')
    expect([await others.readAll(), await others.read([field(9)])]).toEqual([[], [null]])
    await bindings.remove([...rows.keys(), 'absent'])
    expect(await bindings.readAll()).toEqual(['007', '001e5'])
  })

  test('has no hash without fields', async () => {
    await redis.hset('hash', { only: 1 })
    await redis.hdel('hash', 'only')
    expect(await redis.exists('hash')).toBe(0)
    expect(await redis.hvals('hash')).toEqual([])
    expect(await redis.hgetall('hash')).toBeNull()
    expect(await redis.hlen('hash')).toBe(0)
  })

  test('refuses a command for the wrong kind of value', async () => {
    await redis.set('text', 'value')
    await redis.hset('hash', { a: 1 })
    await expect(redis.hget('text', 'a')).rejects.toThrow('WRONGTYPE')
    await expect(redis.get('hash')).rejects.toThrow('WRONGTYPE')
    expect(await redis.mget('text', 'hash')).toEqual(['value', null])
  })

  test('refuses malformed commands in the words of Redis', async () => {
    const errorOf = async (command: unknown[]) => {
      const response = await post('/', JSON.stringify(command))
      expect(response.status).toBe(400)
      return ((await response.json()) as { error: string }).error
    }
    expect(await errorOf(['GET'])).toBe("ERR wrong number of arguments for 'get' command")
    expect(await errorOf(['HSET', 'hash', 'a', '1', 'b'])).toBe(
      "ERR wrong number of arguments for 'hset' command",
    )
    expect(await errorOf(['NOSUCH', 'x'])).toContain("ERR unknown command 'NOSUCH'")
    expect(await errorOf(['SET', 'k', 'v', 'EX', 'soon'])).toBe('ERR value is not an integer or out of range')
    expect(await errorOf(['SET', 'k', 'v', 'EX', '0'])).toBe("ERR invalid expire time in 'set' command")
    expect(await errorOf(['SET', 'k', 'v', 'NX', 'XX'])).toBe('ERR syntax error')
  })

  test('runs a pipeline to its end though a command in it fails', async () => {
    const response = await post('/pipeline', '[["SET","k","v"],["HGET","k","f"],["GET","k"]]')
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual([
      { result: 'OK' },
      { error: expect.stringContaining('WRONGTYPE') },
      { result: 'v' },
    ])
  })

  test('runs a transaction through the client', async () => {
    const results = await redis.multi().set('k', 1).hset('h', { f: 2 }).get('k').exec()
    expect(results).toEqual(['OK', 1, 1])
  })

  test('runs nothing of a transaction that holds a command it cannot queue', async () => {
    const response = await post('/multi-exec', '[["SET","k","v"],["GET"]]')
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ error: expect.stringContaining('EXECABORT') })
    expect(await redis.exists('k')).toBe(0)
  })

  test('encodes every string but OK in base64 when asked', async () => {
    const response = await post('/pipeline', '[["SET","k","v"],["GET","k"],["MGET","k","x"],["DBSIZE"]]', {
      'upstash-encoding': 'base64',
    })
    expect(await response.json()).toEqual([
      { result: 'OK' },
      { result: 'dg==' },
      { result: ['dg==', null] },
      { result: 1 },
    ])
  })

  test('lets nobody in without the token', async () => {
    const stranger = new Redis({ url, token: 'wrong', enableTelemetry: false, retry: false })
    await expect(stranger.get('k')).rejects.toThrow('WRONGPASS')
    const response = await fetch(url, { method: 'POST', body: '["PING"]' })
    expect(response.status).toBe(401)
  })

  test('refuses other methods, other paths and bodies that are not commands', async () => {
    expect((await fetch(url, { headers: { authorization: 'Bearer right' } })).status).toBe(405)
    expect((await post('/nowhere', '["PING"]')).status).toBe(404)
    for (const [path, body] of [
      ['/', 'not json'],
      ['/', '[]'],
      ['/', '{}'],
      ['/pipeline', '["PING"]'],
    ] as const) {
      expect((await post(path, body)).status).toBe(400)
    }
  })

  test('refuses a body beyond ten mebibytes and serves the next request', async () => {
    const response = await post('/', JSON.stringify(['SET', 'k', 'x'.repeat(10 * 1024 * 1024)]))
    expect(response.status).toBe(413)
    expect(await redis.ping()).toBe('PONG')
  })
}
