/** Examines a deployment from outside, as its clients see it: the Worker, each VIP by UDP and by TCP, a call by each. */

import { utf8 } from '#shared/bytes'
import { CallsApi } from '../call/api.ts'
import { placeCall } from '../call/caller.ts'
import { CallerPeer } from '../call/peer.ts'
import { Speech } from '../call/speech.ts'
import { probeTcp, probeUdp } from './probe.ts'
import type { Credentials, ProbeOutcome } from './probe.ts'
import { onlyBy, vipsOf } from './vip.ts'
import type { Vip } from './vip.ts'

/** What to examine. */
export interface Deployment {
  readonly url: string
  readonly key: string | undefined
  /** Those that there should be; undefined: those that an answer names. */
  readonly vips: readonly Vip[] | undefined
  /** The WAV file that calls say. */
  readonly speech: string
}

/** What one thing is like. */
export interface Finding {
  readonly what: string
  readonly isWell: boolean
  readonly detail: string
}

/** Examines all and tells each finding as it is made; what depends on something broken is not tried. */
export async function* examine(deployment: Deployment): AsyncGenerator<Finding> {
  const worker = await examineWorker(deployment.url)
  yield worker
  if (!worker.isWell) return
  const call = await openCall(deployment).catch((error: Error) => error.message)
  if (typeof call === 'string') return yield { what: 'A call', isWell: false, detail: call }
  try {
    yield { what: 'A call', isWell: true, detail: `answered with ${call.vips.length} paths` }
    for (const vip of deployment.vips ?? call.vips) yield await examineVip(vip, call.credentials, deployment)
  } finally {
    await call.close()
  }
}

async function examineWorker(url: string): Promise<Finding> {
  const what = `The Worker at ${url}`
  for (const path of ['/healthz', '/readyz']) {
    const response = await fetch(new URL(path, url), { signal: AbortSignal.timeout(WORKER_PATIENCE) }).catch(
      (error: Error) => error,
    )
    if (response instanceof Error)
      return { what, isWell: false, detail: `cannot be reached: ${response.message}` }
    if (!response.ok) {
      const meaning = path === '/readyz' ? ': it knows no relay or no transceiver' : ''
      return { what, isWell: false, detail: `answers ${path} with ${response.status}${meaning}` }
    }
  }
  return { what, isWell: true, detail: 'runs, and knows relays and transceivers' }
}

interface OpenCall {
  readonly credentials: Credentials
  readonly vips: readonly Vip[]
  close(): Promise<void>
}

/** Places a call that nobody takes up, for its route: any relay can carry its checks. */
async function openCall({ url, key }: Deployment): Promise<OpenCall> {
  const api = new CallsApi(url, key)
  await api.authorize()
  const ignore = () => undefined
  const peer = new CallerPeer({
    onIceConnected: ignore,
    onConnected: ignore,
    onChannelOpen: ignore,
    onEvent: ignore,
    onAudio: ignore,
    onLost: ignore,
  })
  const offer = await peer.createOffer()
  const { answer, location } = await api.placeCall(offer)
  return {
    credentials: {
      username: `${attributeOf(answer, 'ice-ufrag')}:${attributeOf(offer, 'ice-ufrag')}`,
      password: utf8(attributeOf(answer, 'ice-pwd')),
    },
    vips: vipsOf(answer),
    close: async () => {
      await api.hangUp(location).catch(ignore)
      await peer.close()
    },
  }
}

function attributeOf(sdp: string, name: string): string {
  return new RegExp(`^a=${name}:(\\S+)`, 'm').exec(sdp)?.[1] ?? ''
}

async function examineVip(vip: Vip, credentials: Credentials, deployment: Deployment): Promise<Finding> {
  const { address, udpPort, tcpPort } = vip
  const udp = await probeUdp(address, udpPort, credentials)
  const tcp = tcpPort === undefined ? undefined : await probeTcp(address, tcpPort, credentials)
  const call = 'fault' in udp ? { fault: 'not tried' } : await callBy(vip, deployment)
  const parts = [
    `UDP ${udpPort} ${describe(udp)}`,
    ...(tcp === undefined ? [] : [`TCP ${tcpPort} ${describe(tcp)}`]),
    `call ${describe(call)}`,
  ]
  const isWell = [udp, tcp, call].every((outcome) => outcome === undefined || 'millis' in outcome)
  return { what: `The relay ${vip.name} at ${address}`, isWell, detail: parts.join(', ') }
}

/** Calls by one VIP only; the time is that until something was heard. */
async function callBy(vip: Vip, { url, key, speech }: Deployment): Promise<ProbeOutcome> {
  try {
    const editAnswer = (answer: string) => onlyBy(vip, answer)
    const { report } = await placeCall({
      url,
      key,
      speech: Speech.open(speech),
      seconds: CALL_SECONDS,
      editAnswer,
    })
    return { millis: Math.round(report.timeline.firstAudioIn ?? 0) }
  } catch (error) {
    return { fault: (error as Error).message }
  }
}

function describe(outcome: ProbeOutcome): string {
  return 'millis' in outcome ? `${outcome.millis} ms` : `FAILED (${outcome.fault})`
}

const WORKER_PATIENCE = 5_000
/** The agent is heard well within it. */
const CALL_SECONDS = 10
