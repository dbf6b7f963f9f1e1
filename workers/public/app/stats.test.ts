import { expect, test } from 'vitest'
import { readStats } from './stats.js'

const REMOTE = { id: 'R1', type: 'remote-candidate', address: '192.0.2.7', port: 3478, protocol: 'udp' }
const OTHER_PAIR = { id: 'P0', type: 'candidate-pair', state: 'succeeded', remoteCandidateId: 'R0' }
const PAIR = { id: 'P1', type: 'candidate-pair', remoteCandidateId: 'R1', currentRoundTripTime: 0.0124 }
const AUDIO = [
  {
    id: 'I',
    type: 'inbound-rtp',
    kind: 'audio',
    jitter: 0.004,
    packetsReceived: 50,
    packetsLost: 1,
    totalAudioEnergy: 0.2,
  },
  { id: 'O', type: 'outbound-rtp', kind: 'audio', packetsSent: 49 },
]

test('reads the pair that the transport names, as Chromium reports it', () => {
  const transport = { id: 'T', type: 'transport', selectedCandidatePairId: 'P1' }
  expect(readStats([transport, OTHER_PAIR, PAIR, REMOTE, ...AUDIO])).toEqual({
    roundTripMillis: 12.4,
    jitterMillis: 4,
    receivedPackets: 50,
    lostPackets: 1,
    sentPackets: 49,
    remote: '192.0.2.7:3478',
    protocol: 'udp',
    heardEnergy: 0.2,
  })
})

test('reads the pair that is marked as selected, as Firefox reports it', () => {
  expect(readStats([OTHER_PAIR, { ...PAIR, selected: true }, REMOTE]).remote).toBe('192.0.2.7:3478')
})

test('falls back to a nominated pair that succeeded', () => {
  const nominated = { ...PAIR, nominated: true, state: 'succeeded' }
  expect(readStats([OTHER_PAIR, nominated, REMOTE]).roundTripMillis).toBe(12.4)
})

test('writes an IPv6 address in brackets', () => {
  const remote = { ...REMOTE, address: '2001:db8::7', protocol: 'tcp' }
  expect(readStats([{ ...PAIR, selected: true }, remote])).toMatchObject({
    remote: '[2001:db8::7]:3478',
    protocol: 'tcp',
  })
})

test('leaves out what the report does not hold', () => {
  expect(readStats([])).toEqual({})
  expect(
    readStats([
      { ...PAIR, selected: true },
      { ...REMOTE, address: '' },
    ]),
  ).toEqual({
    roundTripMillis: 12.4,
    protocol: 'udp',
  })
})
