import { expect, test } from 'vitest'
import { ConfigError, Environment } from './environment.ts'

function complaintsOf(
  read: (environment: Environment) => void,
  variables: Record<string, string> = {},
): string[] {
  const environment = new Environment(variables)
  read(environment)
  try {
    environment.check()
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as ConfigError).message.split('\n')
  }
  return []
}

test('reports every mistake at once', () => {
  const complaints = complaintsOf(
    (environment) => {
      environment.text('NAME')
      environment.integer('COUNT', 1, 10)
      environment.endpoint('LINK')
      environment.key('KEY', 16)
    },
    { COUNT: '2.5', LINK: 'localhost', KEY: 'xyz' },
  )
  expect(complaints.map((complaint) => complaint.split(' ')[0])).toEqual(['NAME', 'COUNT', 'LINK', 'KEY'])
})

test('never quotes a value, since it may be a secret', () => {
  const [complaint] = complaintsOf((environment) => environment.key('KEY', 16), { KEY: 'hunter2' })
  expect(complaint).not.toContain('hunter2')
})

test('reads what is well formed', () => {
  const environment = new Environment({
    LINK: '[2001:db8::7]:7471',
    URL: 'https://example.org/x',
    KEY: '00ff',
    KEYS: `3:${'ab'.repeat(16)},0:${'cd'.repeat(16)}`,
    LATITUDE: '-33.9',
  })
  expect(environment.endpoint('LINK')).toEqual({ address: '2001:db8::7', port: 7471 })
  expect(environment.url('URL')).toBe('https://example.org/x')
  expect(environment.key('KEY', 2)).toEqual(new Uint8Array([0, 255]))
  expect(environment.number('LATITUDE', -90, 90)).toBe(-33.9)
  expect(environment.integer('ABSENT', 0, 9, 4)).toBe(4)
  expect(environment.oneOf('LEVEL', ['info', 'debug'], 'info')).toBe('info')
  environment.routeKeys('KEYS')
  environment.check()
})

test.each([
  ['a number outside its bounds', (e: Environment) => e.number('X', 0, 1), '2'],
  ['a word for a number', (e: Environment) => e.number('X', 0, 1), 'many'],
  ['an unknown choice', (e: Environment) => e.oneOf('X', ['a'], 'a'), 'b'],
  ['a URL of another scheme', (e: Environment) => e.url('X'), 'ftp://example.org'],
  ['a route key of the wrong length', (e: Environment) => e.routeKeys('X'), '0:abcd'],
])('refuses %s', (_, read, value) => {
  expect(complaintsOf(read, { X: value })).toHaveLength(1)
})

test('takes a missing text for an empty one where that is allowed', () => {
  const environment = new Environment({ SET: 'a' })
  expect([environment.optionalText('SET'), environment.optionalText('MISSING')]).toEqual(['a', ''])
  expect(() => environment.check()).not.toThrow()
})
