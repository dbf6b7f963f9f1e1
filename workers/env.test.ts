import { describe, expect, test } from 'vitest'
import { workerBindings } from '../tests/worker-bindings.ts'
import { readEnv } from './env.ts'

const bindings = workerBindings('https://store.example')

describe('readEnv', () => {
  test('reads every variable', () => {
    expect(readEnv({ ...bindings, FIRSTHOP_OPEN_DEMO: 'true', ENVIRONMENT: 'local' })).toEqual({
      store: { url: 'https://store.example', token: 'store-token' },
      routeKeys: [{ id: 0, key: new Uint8Array(16).fill(0x70) }],
      controlKey: new Uint8Array(32).fill(0xc0),
      secretKeys: [
        { id: 2, key: new Uint8Array(32).fill(0x22) },
        { id: 1, key: new Uint8Array(32).fill(0x11) },
      ],
      apiKeys: [{ id: 'test', sha256: expect.any(Uint8Array) }],
      isOpenDemo: true,
      isLocal: true,
    })
  })

  test('takes production and a closed deployment for granted', () => {
    expect(readEnv(bindings)).toMatchObject({ isOpenDemo: false, isLocal: false })
  })

  test('reports every missing variable at once', () => {
    expect(readEnv({})).toEqual([
      'UPSTASH_REDIS_REST_URL is missing',
      'UPSTASH_REDIS_REST_TOKEN is missing',
      'FIRSTHOP_ROUTE_KEYS is missing',
      'FIRSTHOP_CONTROL_KEY is missing',
      'FIRSTHOP_SECRET_KEYS is missing',
    ])
  })

  test('reports every mistake, and quotes no value', () => {
    const mistakes = readEnv({
      UPSTASH_REDIS_REST_URL: 'store.example',
      UPSTASH_REDIS_REST_TOKEN: '',
      FIRSTHOP_ROUTE_KEYS: `0:${'c0ffee'.repeat(4)}`,
      FIRSTHOP_CONTROL_KEY: 'c0ffee',
      FIRSTHOP_SECRET_KEYS: 'c0ffee',
      FIRSTHOP_API_KEYS: '[{"id":"web","sha256":"c0ffee"}]',
      FIRSTHOP_OPEN_DEMO: 'yes',
      ENVIRONMENT: 'staging',
    })
    expect(mistakes).toEqual([
      'UPSTASH_REDIS_REST_URL must be an http or https URL',
      'UPSTASH_REDIS_REST_TOKEN is empty',
      'FIRSTHOP_ROUTE_KEYS must be a list like 0:<hex>,1:<hex>, of 16-byte keys with ids up to 14',
      'FIRSTHOP_CONTROL_KEY must be 64 hexadecimal digits',
      'FIRSTHOP_SECRET_KEYS must be a list like 0:<hex>,1:<hex>, of 32-byte keys with ids up to 255',
      'FIRSTHOP_API_KEYS.0.sha256 must be a SHA-256 in base64url',
      'FIRSTHOP_OPEN_DEMO must be true or false',
      'ENVIRONMENT must be local or production',
    ])
  })

  test('reports a deployment that would let nobody in', () => {
    expect(readEnv({ ...bindings, FIRSTHOP_API_KEYS: '[]' })).toEqual([
      'FIRSTHOP_API_KEYS is empty and FIRSTHOP_OPEN_DEMO is not true: nobody could place a call',
    ])
  })
})
