import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { toHex } from '#shared/bytes'
import type { Client } from '#shared/endpoint'
import { FRAME_FLAG_BIND } from '#shared/link/frame'
import {
  bindingRequest,
  bindingResponse,
  EPOCH,
  linkDatagram,
  ROUTE_KEYS,
  rtpPacket,
  ufragTo,
} from '../../relay-nodes/test-packets.ts'
import { explainClientPacket, explainLinkDatagram } from './explain.ts'
import type { ExplainContext } from './explain.ts'
import { readOptions } from './options.ts'

const alpha = { cluster: 1, transceiver: 2, link: { address: '10.0.0.1', port: 7481 } }
const client: Client = { address: '192.0.2.1', port: 50_000, listener: 0, transport: 'udp' }
const check = bindingRequest(ufragTo(alpha))
const COOKIE = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)

const context: ExplainContext = {
  upstreams: [],
  listeners: 2,
  tcpListeners: 1,
  showsValues: false,
  now: EPOCH,
}
const knowing: ExplainContext = { ...context, routeKeys: ROUTE_KEYS, upstreams: [alpha] }

describe('a packet of a client', () => {
  test('is a check that leads to a transceiver of the allow-table', () => {
    expect(explainClientPacket(check, client, knowing)).toEqual([
      `packet       ${check.length} bytes from 192.0.2.1:50000 on udp, listener 0`,
      'class        stun',
      'type         0x0001 Binding request',
      'id           000102030405060708090a0b',
      'attribute    0x0006 USERNAME, 27 bytes',
      'attribute    0x0024 PRIORITY, 4 bytes',
      'attribute    0x0008 MESSAGE-INTEGRITY, 20 bytes',
      'attribute    0x8028 FINGERPRINT, 4 bytes',
      'fingerprint  valid',
      'ufrag        22 characters, masked; cluster 1, transceiver 2, session 7, flags 0, until minute 50108 (it is 50048)',
      'verdict      forwarded to cluster 1, transceiver 2 at 10.0.0.1:7481',
    ])
  })

  test('is a check whose transceiver is nowhere', () => {
    expect(verdict(check, { ...knowing, upstreams: [] })).toBe(
      'dropped as unknown-upstream: the route leads to a transceiver that is not in the allow-table',
    )
  })

  test('shows the ufrag only when asked to', () => {
    const ufrag = ufragTo(alpha)
    expect(explainClientPacket(check, client, context).join('\n')).not.toContain(ufrag)
    expect(explainClientPacket(check, client, { ...context, showsValues: true }).join('\n')).toContain(
      `USERNAME, 27 bytes: ${ufrag}:EsAw`,
    )
  })

  test('says that a ufrag stays shut without keys', () => {
    expect(explainClientPacket(check, client, context)).toContain(
      'ufrag        22 characters, masked; give --keys to open it',
    )
  })

  test('is media, of a client that is bound or not', () => {
    expect(explainClientPacket(rtpPacket(160), client, knowing)).toEqual([
      'packet       160 bytes from 192.0.2.1:50000 on udp, listener 0',
      'class        rtp',
      'header       type 111, sequence 515, timestamp 67438087, source 134810123',
      'verdict      dropped as unknown-flow: it carries no route, and no transceiver has bound this client at this port',
    ])
    expect(verdict(rtpPacket(160), knowing, alpha)).toBe(
      'forwarded to cluster 1, transceiver 2 at 10.0.0.1:7481',
    )
  })

  test('is none at all', () => {
    expect(verdict(new Uint8Array(0))).toMatch(/^dropped as unknown-class/)
    expect(explainClientPacket(check.subarray(0, 40), client, context)).toContain('form         stun-length')
  })

  function verdict(packet: Uint8Array, given = context, boundTo?: typeof alpha) {
    return explainClientPacket(packet, client, given, boundTo)
      .at(-1)
      ?.replace(/^verdict +/, '')
  }
})

describe('a datagram of the link', () => {
  const datagram = linkDatagram(
    COOKIE,
    { client, flags: FRAME_FLAG_BIND, payload: bindingResponse() },
    { client: { ...client, listener: 9 }, flags: 0, payload: rtpPacket(20) },
  )

  test('binds and sends', () => {
    expect(explainLinkDatagram(datagram, alpha.link, knowing)).toEqual([
      `datagram     ${datagram.length} bytes on the link from 10.0.0.1:7481`,
      'type         data',
      'frame        a client on udp, listener 0, BIND: 28 bytes, stun',
      'frame        a client on udp, listener 9: 20 bytes, rtp',
      'verdict      accepted from cluster 1, transceiver 2 at 10.0.0.1:7481',
      'effect       1 packets for clients, 1 flows bound',
      'drop         unknown-listener: a frame is for a client port that this relay has not, or on the other transport',
    ])
  })

  test('comes from a stranger, or with another cookie', () => {
    expect(explainLinkDatagram(datagram, alpha.link, context).at(-1)).toMatch(/dropped as stranger/)
    expect(explainLinkDatagram(datagram, alpha.link, knowing, new Uint8Array(8)).at(-1)).toMatch(
      /dropped as wrong-cookie/,
    )
  })
})

describe('the command', () => {
  const known = [
    '--keys',
    `0:${'00'.repeat(16)}`,
    '--upstream',
    '1/2@10.0.0.1:7481',
    '--at',
    '2027-01-15T08:00:00Z',
  ]
  const hex = toHex(check).replaceAll(/../g, '$& ')

  test('takes hex and options', async () => {
    const { code, stdout } = await run(hex, '--from', '[2001:db8::1]:9', ...known)
    expect(code).toBe(0)
    expect(stdout).toContain('[2001:db8::1]:9 on udp')
    expect(stdout).toContain('forwarded to cluster 1, transceiver 2')
  })

  test('explains how it is used when it cannot read its arguments', async () => {
    const { code, stderr } = await run('00', '--at', 'noon')
    expect(code).toBe(2)
    expect(stderr).toMatch(/^this is not a time: "noon"\n\nnpm run explain-packet/)
  })

  test('reads every option', () => {
    const more = [
      '--tcp',
      '--listener',
      '2',
      '--bound',
      '1/2@10.0.0.1:7481',
      '--cookie',
      '0102',
      '--link',
      '--show',
    ]
    expect(readOptions([hex, ...known, ...more, '--udp-ports', '1', '--tcp-ports', '3'])).toMatchObject({
      packet: check,
      from: { ...client, listener: 2, transport: 'tcp' },
      context: { upstreams: [alpha], listeners: 1, tcpListeners: 3, showsValues: true, now: EPOCH },
      isLink: true,
      cookie: Uint8Array.of(1, 2),
      boundTo: alpha,
    })
  })

  test.each([
    [['xyz'], 'not hex'],
    [[], 'not hex'],
    [['00', '--from', 'nowhere'], 'not an address and port'],
    [['00', '--keys', '16:00'], 'not route keys'],
    [['00', '--upstream', '1/2'], 'not cluster/transceiver@addr:port'],
    [['00', '--listener', '256'], 'not a number up to 255'],
    [['00', '--what'], 'Unknown option'],
  ])('says what is wrong with %j', (args, complaint) => {
    expect(() => readOptions(args)).toThrow(complaint)
  })
})

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr })
    })
  })
}
