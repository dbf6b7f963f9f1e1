import { expect, test } from 'vitest'
import { Environment } from '#shared/platform/environment'
import { readBackendConfig } from './backend-config.ts'

function read(variables: Record<string, string>) {
  const environment = new Environment(variables)
  const target = readBackendConfig(environment)
  environment.check()
  return target
}

test('means the embedded agent without a URL', () => {
  expect(read({ FIRSTHOP_BACKEND_KEY: 'sk-1' })).toBeUndefined()
})

test('sends the key as OpenAI wants it, and further headers beside it', () => {
  expect(
    read({
      FIRSTHOP_BACKEND_URL: 'wss://api.openai.com/v1/realtime?model=m',
      FIRSTHOP_BACKEND_KEY: 'sk-1',
      FIRSTHOP_BACKEND_HEADERS: '{"OpenAI-Project":"p"}',
    }),
  ).toEqual({
    url: 'wss://api.openai.com/v1/realtime?model=m',
    headers: { Authorization: 'Bearer sk-1', 'OpenAI-Project': 'p' },
    takesOpus: false,
  })
})

test('needs no key, and offers Opus when told so', () => {
  expect(read({ FIRSTHOP_BACKEND_URL: 'ws://127.0.0.1:9', FIRSTHOP_BACKEND_OPUS: 'true' })).toEqual({
    url: 'ws://127.0.0.1:9',
    headers: {},
    takesOpus: true,
  })
})

test.each([
  ['FIRSTHOP_BACKEND_URL', 'https://secret.example'],
  ['FIRSTHOP_BACKEND_URL', 'wss://'],
  ['FIRSTHOP_BACKEND_KEY', 'sk-\r\nsecret: 1'],
  ['FIRSTHOP_BACKEND_HEADERS', 'api-key: secret'],
  ['FIRSTHOP_BACKEND_HEADERS', '["secret"]'],
  ['FIRSTHOP_BACKEND_HEADERS', '{"api key":"secret"}'],
  ['FIRSTHOP_BACKEND_HEADERS', '{"a":"secret\\r\\nb: c"}'],
  ['FIRSTHOP_BACKEND_HEADERS', '{"a":7}'],
  ['FIRSTHOP_BACKEND_OPUS', 'secret'],
])('refuses a %s that cannot be used, without quoting it: %s', (name, value) => {
  const variables = { FIRSTHOP_BACKEND_URL: 'ws://127.0.0.1:9', [name]: value }
  expect(() => read(variables)).toThrow(name)
  expect(() => read(variables)).not.toThrow('secret')
})
