/**
 * Places calls: from an offer to a session, its route, and the answer. docs/transceiver.md.
 *
 * Everything random that a call needs is drawn here, once.
 */

import { toBase64, toBase64Url } from '#shared/bytes'
import type { CallDescription } from '#shared/control/call-description'
import type { PlaceCallRequest, PlaceCallResponse, RestartIceResponse } from '#shared/control/messages'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import { hmacSha1, randomBytes } from '#shared/platform/crypto'
import type { Log, LogFields } from '#shared/platform/log'
import { millisOf } from '#shared/time'
import type { LinkHealth } from '#shared/link/link-health'
import { answeredSetup, MAX_MESSAGE_SIZE, writeAnswer } from '#shared/sdp/answer'
import { candidatesFor, writeCandidate } from '#shared/sdp/candidates'
import { parseFragment, writeFragment } from '#shared/sdp/fragment'
import type { FragmentFault, IceFragment } from '#shared/sdp/fragment'
import { readOffer } from '#shared/sdp/offer'
import type { Offer } from '#shared/sdp/offer'
import type { OfferFault } from '#shared/sdp/offer-fault'
import { readU32, utf8 } from '#shared/bytes'
import { callIdOf, minutesOf, mintUfrag, parseUfrag, ufragOf } from '#shared/ufrag/route'
import type { RouteKeyRing } from '#shared/ufrag/route'
import type { Backend } from '../backends/backend.ts'
import type { DropCounts } from './drops.ts'
import type { IceCredentials } from '../core/ice/credentials.ts'
import { parseInit } from '../core/sctp/init.ts'
import type { GoodbyeSlab } from '../core/goodbye-slab.ts'
import { KeyUsage } from '../core/key-usage.ts'
import type { LinkWriter } from '../core/link-writer.ts'
import { vipNameOf } from '../core/relay-directory.ts'
import type { RelayDirectory } from '../core/relay-directory.ts'
import type { SessionTable } from '../core/session-table.ts'
import type { DtlsContext } from '../crypto/dtls-context.ts'
import type { PacketMemory } from '#shared/platform/packet-memory'
import { Call } from './call.ts'

/** What calls are placed with. */
export interface CallsParts {
  readonly node: { readonly id: string; readonly region: string }
  readonly cluster: number
  readonly transceiver: number
  readonly routeKeys: RouteKeyRing
  readonly directory: RelayDirectory
  readonly table: SessionTable<Call>
  readonly writer: LinkWriter
  readonly memory: PacketMemory
  readonly linkHealth: LinkHealth
  readonly dtlsContext: DtlsContext
  readonly backend: Backend
  readonly drops: DropCounts
  /** Undefined: nobody could say goodbye in this thread's place. */
  readonly goodbyes: GoodbyeSlab | undefined
  /** How busy this thread is, 0 to 1. */
  readonly load: () => number
  /** How long a call may last, in milliseconds. */
  readonly maxCallMillis: number
  /** Reads the registry before its time: a relay has joined since. */
  readonly refreshFleet: () => void
  /** Asks for what has been written outside the loop's own turns to be sent. */
  readonly requestFlush: () => void
  readonly log: Log
}

/** Why a call is not placed. */
export type PlaceCallFault = OfferFault | 'node-full' | 'node-busy' | 'node-draining'

/** Whose ICE is to be restarted, and the client's fragment (RFC 8840). */
export interface RestartIceOrder {
  readonly callId: string
  readonly fragment: string
  /** The ICE session that the client means, by the restarts before it; whichever there is when absent. */
  readonly restarts?: number | undefined
}

/** The server's fragment; `unchanged`: the client's has nothing but candidates, which are ignored as in offers. */
export type RestartIceResult =
  RestartIceResponse | 'unchanged' | FragmentFault | 'call-unknown' | 'ice-session-other'

/** The calls of this transceiver. */
export class Calls {
  readonly #parts: CallsParts
  #placed = 0
  readonly #endedByReason: Record<string, number> = {}
  readonly #usage = new KeyUsage()

  constructor(parts: CallsParts) {
    this.#parts = parts
  }

  /** Calls under way, those of each API key, calls placed so far, and calls ended by reason. */
  get counts() {
    return {
      active: this.#parts.table.size,
      callsByKey: this.#usage.toRecord(),
      placed: this.#placed,
      endedByReason: { ...this.#endedByReason },
    }
  }

  /** Places a call; a refusal changes nothing. */
  place(request: PlaceCallRequest): PlaceCallResponse | PlaceCallFault {
    const { table, node } = this.#parts
    if (table.isFull) return 'node-full'
    if (this.#parts.load() > MAX_ADMITTED_LOAD) return 'node-busy'
    if (request.relays.some((relay) => !this.#parts.directory.knows(relay.id))) this.#parts.refreshFleet()
    const offer = readOffer(request.offer)
    if (typeof offer === 'string') return offer
    const handle = this.#freeHandle()
    const ufrag = this.#mint(handle)
    const call = new Draft(this.#parts, request, offer, handle, ufrag, (ended, reason) => {
      table.remove(handle)
      this.#usage.remove(request.apiKeyId)
      this.#endedByReason[reason] = (this.#endedByReason[reason] ?? 0) + 1
      this.#parts.log.info('A call ended', { call: handle, reason, ...recordOf(ended) })
    })
    const placed = call.place()
    table.add(handle, placed.call)
    this.#usage.add(request.apiKeyId)
    this.#placed++
    this.#parts.log.info('A call was placed', { call: handle, request: request.requestId })
    return { callId: callIdOf(ufrag), answer: placed.answer, node }
  }

  /** Ends a call by its public id; false: there is no such call here. */
  hangUp(callId: string): boolean {
    const call = this.find(callId)
    call?.end('hang-up')
    if (call !== undefined) this.#parts.writer.flush()
    return call !== undefined
  }

  /**
   * Restarts ICE (RFC 8445 section 9): new credentials on both sides, and a new route to the same session. Media,
   * its keys and the data channel go on as they are.
   */
  restartIce({ callId, fragment: text, restarts }: RestartIceOrder): RestartIceResult {
    const call = this.find(callId)
    if (call === undefined) return 'call-unknown'
    if (restarts !== undefined && restarts !== call.restarts) return 'ice-session-other'
    const fragment = parseFragment(text)
    if (typeof fragment === 'string') return fragment
    if (fragment.iceUfrag === call.remoteUfrag) return 'unchanged'
    const iceUfrag = this.#mint(call.handle, call.restarts + 1)
    const icePwd = mintPassword()
    call.restartIce(credentialsOf(iceUfrag, icePwd, fragment))
    return { fragment: writeFragment({ ...call.ice, iceUfrag, icePwd }), restarts: call.restarts }
  }

  /** Describes a call, if it is here. */
  describe(callId: string): CallDescription | undefined {
    return this.find(callId)?.describe()
  }

  /** Has every call end within `millis`, and its client told of it. */
  drain(millis: number): void {
    const now = monotonicNow()
    const deadline = millisOf(now + millis)
    for (const call of this.#parts.table.sessions()) call.bringForward(deadline, 'node-draining', now)
  }

  /** Ends every call. */
  endAll(reason: string): void {
    try {
      for (const call of this.#parts.table.sessions()) call.end(reason)
    } finally {
      // One that cannot end must not keep the goodbyes of the others back.
      this.#parts.writer.flush()
    }
  }

  /** Returns the call of a public id, if it is here. */
  find(callId: string): Call | undefined {
    const { routeKeys, cluster, transceiver, table } = this.#parts
    const route = parseUfrag(ufragOf(callId) ?? '', routeKeys, minutesOf(epochNow()))
    if (typeof route === 'string') return undefined
    const isOurs = route.cluster === cluster && route.transceiver === transceiver
    return isOurs ? table.byHandle(route.session) : undefined
  }

  #freeHandle(): number {
    for (;;) {
      const handle = randomU32()
      if (this.#parts.table.byHandle(handle) === undefined) return handle
    }
  }

  /** The flags make the route of each restart another one: RFC 8445 section 9 wants new user name fragments. */
  #mint(session: number, restarts = 0): string {
    const { cluster, transceiver, routeKeys } = this.#parts
    const expiryMinutes = (minutesOf(epochNow()) + MAX_CALL_MINUTES) & 0xffff
    return mintUfrag({ cluster, transceiver, session, expiryMinutes, flags: restarts & 0xff }, routeKeys)
  }
}

/** One call in the making. */
class Draft {
  readonly #parts: CallsParts
  readonly #request: PlaceCallRequest
  readonly #offer: Offer
  readonly #handle: number
  readonly #ufrag: string
  readonly #onEnd: (call: Call, reason: string) => void
  readonly #password = mintPassword()
  readonly #ssrc = randomU32()
  readonly #cname = toBase64Url(randomBytes(12))

  constructor(
    parts: CallsParts,
    request: PlaceCallRequest,
    offer: Offer,
    handle: number,
    ufrag: string,
    onEnd: (call: Call, reason: string) => void,
  ) {
    this.#parts = parts
    this.#request = request
    this.#offer = offer
    this.#handle = handle
    this.#ufrag = ufrag
    this.#onEnd = onEnd
  }

  place(): { call: Call; answer: string } {
    const now = monotonicNow()
    const call = new Call(this.#callOptions(), now)
    const answer = this.#answer(call)
    call.timeline.mark('answer', monotonicNow())
    return { call, answer }
  }

  #callOptions(): ConstructorParameters<typeof Call>[0] {
    const { backend, table } = this.#parts
    return {
      callId: callIdOf(this.#ufrag),
      handle: this.#handle,
      origin: this.#origin(),
      ice: this.#iceOfAnswer(),
      session: this.#request.session,
      peer: this.#peerOptions(),
      audio: {
        codec: this.#offer.audio.codec,
        ssrc: this.#ssrc,
        cname: this.#cname,
        // RFC 3711 section 3.3.1: a start in the lower half keeps the first wrap away from the first losses.
        firstSequence: randomU32() & 0x7fff,
        firstTimestamp: randomU32(),
        memory: this.#parts.memory.bytes,
      },
      backend,
      deadline: millisOf(monotonicNow() + this.#parts.maxCallMillis),
      eventId: () => `event_${toBase64Url(randomBytes(12))}`,
      describeNodes: (link) => this.#describeNodes(link),
      bindPath: (path, call) => void table.bind(path, call, monotonicNow()),
      unbindPath: (path) => table.unbind(path),
      onFault: (fault, error) => {
        this.#parts.drops.count(fault)
        if (error !== undefined) this.#parts.log.error('A data channel failed', { error: error as Error })
      },
      onEnd: this.#onEnd,
    }
  }

  #origin(): ConstructorParameters<typeof Call>[0]['origin'] {
    const { requestId, apiKeyId, steering } = this.#request
    return { placedAt: epochNow(), requestId, ...(apiKeyId && { apiKeyId }), ...(steering && { steering }) }
  }

  #peerOptions(): ConstructorParameters<typeof Call>[0]['peer'] {
    const { dtlsContext, memory, writer, directory, linkHealth, goodbyes, requestFlush } = this.#parts
    const { iceUfrag, icePwd, application } = this.#offer
    const vips = this.#request.relays.flatMap((relay) => relay.vips.map(vipNameOf))
    return {
      ice: {
        ...credentialsOf(this.#ufrag, this.#password, { iceUfrag, icePwd }),
        randomBytes,
        rankOf: (vip, listener, isTcp) => {
          const position = vips.indexOf(directory.vipName(vip) ?? '')
          // Every path on TCP ranks behind every path on UDP, however many client ports each relay has.
          const round = isTcp ? MAX_LISTENERS + listener : listener
          return position < 0 ? undefined : round * vips.length + position
        },
        isLinkLost: (link) => linkHealth.isLost(link),
      },
      dtlsContext,
      // RFC 8842 section 5.3: the active side sends the ClientHello, which saves the round trip of waiting for it.
      dtlsRole: answeredSetup(this.#offer) === 'active' ? 'client' : 'server',
      fingerprints: this.#offer.fingerprints.map((fingerprint) => fingerprint.value),
      sctp: application && {
        port: application.sctpPort,
        maxMessageBytes: Math.min(application.maxMessageSize, MAX_MESSAGE_SIZE),
        peerInit: application.sctpInit && parseInit(application.sctpInit),
        channelId: this.#request.channelId,
      },
      memory,
      writer,
      goodbyes,
      requestFlush,
    }
  }

  /** What a fragment of a restart repeats of the answer: the relays stay the same. */
  #iceOfAnswer(): ConstructorParameters<typeof Call>[0]['ice'] {
    const { sections, bundle } = this.#offer
    const tagged = sections.find(({ mid }) => mid !== undefined && mid === bundle[0])
    return {
      iceOptions: ['ice2'],
      section: tagged?.mid === undefined ? undefined : { line: pseudoLine(tagged), mid: tagged.mid },
      candidates: candidatesFor(this.#request.relays).map(writeCandidate),
      isComplete: true,
    }
  }

  #describeNodes(link: number): Readonly<Record<string, unknown>> {
    const known = this.#parts.directory.linkAt(link)
    const { id, region } = this.#parts.node
    return { relay: known && { id: known.relay, region: known.region }, transceiver: { id, region } }
  }

  #answer(call: Call): string {
    return writeAnswer(this.#offer, {
      sessionId: String(randomU32()),
      ufrag: this.#ufrag,
      pwd: this.#password,
      fingerprint: { algorithm: 'sha-256', value: this.#parts.dtlsContext.fingerprint },
      setup: answeredSetup(this.#offer),
      candidates: candidatesFor(this.#request.relays),
      ssrc: this.#ssrc,
      cname: this.#cname,
      sctpInit: call.sctpInit,
      streamId: 'firsthop',
      trackId: 'agent',
    })
  }
}

/** RFC 8840 section 9.2: a pseudo m-line has the discard port. */
function pseudoLine({ media, protocol, format }: Offer['sections'][number]): string {
  return `${media} 9 ${protocol} ${format}`
}

function credentialsOf(
  localUfrag: string,
  password: string,
  remote: Pick<IceFragment, 'iceUfrag' | 'icePwd'>,
): IceCredentials {
  const [localMac, remoteMac] = [hmacSha1(utf8(password)), hmacSha1(utf8(remote.icePwd))]
  return { localUfrag, remoteUfrag: remote.iceUfrag, localMac, remoteMac }
}

/** RFC 8839 section 5.4 asks for 128 random bits at least. */
function mintPassword(): string {
  return toBase64(randomBytes(18))
}

function randomU32(): number {
  return readU32(randomBytes(4), 0)
}

/** What is left of a call: its timeline, how long it lasted, and what became of its audio. */
function recordOf(call: Call): LogFields {
  const timeline = Object.entries(call.timeline.toRecord())
  return {
    ...Object.fromEntries(timeline.map(([name, value]) => [`${name}Millis`, value ?? undefined])),
    durationMillis: call.timeline.elapsed(monotonicNow()),
    restarts: call.restarts,
    interruptions: call.interruptions,
    ...call.audioStatistics,
  }
}

/** A thread that is busier takes no more calls: what is left is for bursts, and for calls that grow. */
export const MAX_ADMITTED_LOAD = 0.85
/** A listener is one byte of a frame: docs/link.md. */
const MAX_LISTENERS = 256

/** A call's route is good for a day: longer than any session may last. */
const MAX_CALL_MINUTES = 24 * 60
