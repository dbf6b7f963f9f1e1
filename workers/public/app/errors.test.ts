import { expect, test } from 'vitest'
import { CallProblem, describeProblem, problemOfMicrophone } from './errors.js'

test.each([
  ['NotAllowedError', 'Permission denied', 'microphone-refused'],
  ['NotAllowedError', 'Permission denied by system', 'microphone-refused-by-system'],
  ['SecurityError', '', 'microphone-refused'],
  ['NotFoundError', 'Requested device not found', 'microphone-missing'],
  ['OverconstrainedError', '', 'microphone-missing'],
  ['NotReadableError', 'Could not start audio source', 'microphone-busy'],
  ['AbortError', '', 'microphone-busy'],
])('takes a %s "%s" for %s', (name, message, code) => {
  expect(problemOfMicrophone(new DOMException(message, name)).code).toBe(code)
})

test('shows what the API said, and its code, when a call was refused', () => {
  const detail = { status: 503, apiCode: 'full', message: 'No transceiver has room for another call.' }
  const { advice, code } = describeProblem(new CallProblem('call-refused', detail), 'localhost:8787')
  expect(advice[0]).toBe(detail.message)
  expect(advice[1]).toContain('press Talk again')
  expect(code).toBe('call-refused · HTTP 503 · full')
})

test('does not advise to repeat a call that is wrong in itself', () => {
  const { advice } = describeProblem(new CallProblem('call-refused', { status: 400 }), 'localhost:8787')
  expect(advice.join(' ')).not.toContain('press Talk again')
})

test('sends a newcomer on a plain address to localhost, on the same port', () => {
  const { advice } = describeProblem(new CallProblem('insecure-context'), '192.0.2.2:8787')
  expect(advice.join(' ')).toContain('http://localhost:8787 ')
})

test('names the addresses that a firewall must let through', () => {
  const problem = new CallProblem('path-not-found', {
    addresses: ['192.0.2.7:3478 udp', '192.0.2.7:443 tcp'],
  })
  expect(describeProblem(problem, 'localhost').advice.join(' ')).toContain(
    '192.0.2.7:3478 udp, 192.0.2.7:443 tcp',
  )
  expect(describeProblem(new CallProblem('path-not-found'), 'localhost').advice.join(' ')).not.toContain(
    'undefined',
  )
})
