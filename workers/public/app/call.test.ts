import { expect, test } from 'vitest'
import { candidateAddresses } from './call.js'

test('reads each address of an answer once', () => {
  const answer = [
    'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    'a=candidate:1 1 udp 2130706431 192.0.2.7 3478 typ host',
    'a=candidate:2 1 TCP 1019216383 192.0.2.7 443 typ host tcptype passive',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'a=candidate:1 1 udp 2130706431 192.0.2.7 3478 typ host',
  ].join('\r\n')
  expect(candidateAddresses(answer)).toEqual(['192.0.2.7:3478 udp', '192.0.2.7:443 tcp'])
  expect(candidateAddresses('')).toEqual([])
})
