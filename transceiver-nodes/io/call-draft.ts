/**
 * Drafts a call: all that it is made of and its answer, from an offer that has been read. docs/transceiver.md.
 *
 * Everything random that a call needs is drawn here, once. A call lives for hours and its offer for a moment: what is
 * handed to the call keeps neither the offer nor the request, so closures see the parts of them that they need.
 */

import { fromUtf8, toBase64, toBase64Url, utf8 } from '#shared/bytes'
import type { PlaceCallRequest } from '#shared/control/messages'
import { epochNow, monotonicNow } from '#shared/platform/clock'
import { randomBytes, randomU32 } from '#shared/platform/crypto'
import type { Log } from '#shared/platform/log'
import type { PacketMemory } from '#shared/platform/packet-memory'
import { millisOf } from '#shared/time'
import type { LinkHealth } from '#shared/link/link-health'
import { answeredSetup, MAX_MESSAGE_SIZE, writeAnswer } from '#shared/sdp/answer'
import { candidatesFor, writeCandidate } from '#shared/sdp/candidates'
import type { IceFragment } from '#shared/sdp/fragment'
import type { Offer } from '#shared/sdp/offer'
import { callIdOf } from '#shared/ufrag/route'
import type { Backend } from '../backends/backend.ts'
import type { GoodbyeSlab } from '../core/goodbye-slab.ts'
import type { IceCredentials } from '../core/ice/credentials.ts'
import type { LinkWriter } from '../core/link-writer.ts'
import { vipNameOf } from '../core/relay-directory.ts'
import type { RelayDirectory } from '../core/relay-directory.ts'
import { parseInit } from '../core/sctp/init.ts'
import type { SessionTable } from '../core/session-table.ts'
import type { DtlsContext } from '../crypto/dtls-context.ts'
import { hmacSha1 } from '../crypto/hmac-sha1.ts'
import { Call } from './call.ts'
import type { CallOptions } from './call.ts'
import type { DropCounts } from './drops.ts'

/** What every call of a thread is made with. */
export interface CallParts {
  readonly node: { readonly id: string; readonly region: string }
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
  /** How long a call may last, in milliseconds. */
  readonly maxCallMillis: number
  /** Asks for what has been written outside the loop's own turns to be sent. */
  readonly requestFlush: () => void
  readonly log: Log
}

/** What is to become a call. */
export interface CallOrder {
  readonly request: PlaceCallRequest
  readonly offer: Offer
  readonly handle: number
  /** Ours: the sealed route. */
  readonly ufrag: string
  readonly onEnd: CallOptions['onEnd']
}

/** Makes the call and its answer; the call is not in any table yet. */
export function draftCall(parts: CallParts, order: CallOrder): { call: Call; answer: string } {
  const draft = { ...order, parts, password: mintPassword(), ssrc: randomU32(), cname: mintName() }
  const call = new Call(callOptions(draft), monotonicNow())
  const answer = answerOf(draft, call)
  call.timeline.mark('answer', monotonicNow())
  return { call, answer }
}

/** Turns passwords into credentials: ours, and the client's of its offer or fragment. */
export function credentialsOf(
  localUfrag: string,
  password: string,
  remote: Pick<IceFragment, 'iceUfrag' | 'icePwd'>,
): IceCredentials {
  const [localMac, remoteMac] = [hmacSha1(utf8(password)), hmacSha1(utf8(remote.icePwd))]
  return { localUfrag, remoteUfrag: detached(remote.iceUfrag), localMac, remoteMac }
}

/** RFC 8839 section 5.4 asks for 128 random bits at least. */
export function mintPassword(): string {
  return toBase64(randomBytes(18))
}

interface Draft extends CallOrder {
  readonly parts: CallParts
  readonly password: string
  readonly ssrc: number
  readonly cname: string
}

function callOptions(draft: Draft): CallOptions {
  const { parts, offer, request, ufrag, handle, ssrc, cname, onEnd } = draft
  return {
    callId: callIdOf(ufrag),
    handle,
    origin: originOf(request),
    ice: iceOfAnswer(draft),
    session: request.session,
    peer: peerOptions(draft),
    audio: {
      codec: offer.audio.codec,
      ssrc,
      cname,
      // RFC 3711 section 3.3.1: a start in the lower half keeps the first wrap away from the first losses.
      firstSequence: randomU32() & 0x7fff,
      firstTimestamp: randomU32(),
      memory: parts.memory.bytes,
    },
    backend: parts.backend,
    deadline: millisOf(monotonicNow() + parts.maxCallMillis),
    eventId: () => `event_${mintName()}`,
    ...tablesOf(parts),
    onEnd,
  }
}

function originOf({ requestId, apiKeyId, steering }: PlaceCallRequest): CallOptions['origin'] {
  return { placedAt: epochNow(), requestId, ...(apiKeyId && { apiKeyId }), ...(steering && { steering }) }
}

type Tables = Pick<CallOptions, 'describeNodes' | 'bindPath' | 'unbindPath' | 'onFault'>

function tablesOf({ table, directory, drops, log, node }: CallParts): Tables {
  return {
    describeNodes: (link) => {
      const known = directory.linkAt(link)
      const relay = known && { id: known.relay, region: known.region }
      return { relay, transceiver: { id: node.id, region: node.region } }
    },
    bindPath: (path, call) => void table.bind(path, call, monotonicNow()),
    unbindPath: (path) => table.unbind(path),
    onFault: (fault, error) => {
      drops.count(fault)
      if (error !== undefined) log.error('A data channel failed', { error: error as Error })
    },
  }
}

function peerOptions({ parts, offer, request, ufrag, password }: Draft): CallOptions['peer'] {
  const { dtlsContext, memory, writer, linkHealth, goodbyes, requestFlush } = parts
  const { iceUfrag, icePwd, application } = offer
  return {
    ice: {
      ...credentialsOf(ufrag, password, { iceUfrag, icePwd }),
      randomBytes,
      rankOf: rankBy(
        request.relays.flatMap((relay) => relay.vips.map(vipNameOf)),
        parts.directory,
      ),
      isLinkLost: (link) => linkHealth.isLost(link),
    },
    dtlsContext,
    // RFC 8842 section 5.3: the active side sends the ClientHello, which saves the round trip of waiting for it.
    dtlsRole: answeredSetup(offer) === 'active' ? 'client' : 'server',
    fingerprints: offer.fingerprints.map(({ value }) => detached(value)),
    sctp: application && {
      port: application.sctpPort,
      maxMessageBytes: Math.min(application.maxMessageSize, MAX_MESSAGE_SIZE),
      peerInit: application.sctpInit && parseInit(application.sctpInit),
      channelId: request.channelId,
    },
    memory,
    writer,
    goodbyes,
    requestFlush,
  }
}

/** Ranks paths as the answer names the relays; every path on TCP behind every path on UDP, however many ports there are. */
function rankBy(vips: readonly string[], directory: RelayDirectory): CallOptions['peer']['ice']['rankOf'] {
  return (vip, listener, isTcp) => {
    const position = vips.indexOf(directory.vipName(vip) ?? '')
    const round = isTcp ? MAX_LISTENERS + listener : listener
    return position < 0 ? undefined : round * vips.length + position
  }
}

/** What a fragment of a restart repeats of the answer: the relays stay the same. */
function iceOfAnswer({ offer, request }: Draft): CallOptions['ice'] {
  const { sections, bundle } = offer
  const tagged = sections.find(({ mid }) => mid !== undefined && mid === bundle[0])
  return {
    iceOptions: ['ice2'],
    section:
      tagged?.mid === undefined
        ? undefined
        : { line: detached(pseudoLine(tagged)), mid: detached(tagged.mid) },
    candidates: candidatesFor(request.relays).map((candidate) => detached(writeCandidate(candidate))),
    isComplete: true,
  }
}

/** RFC 8840 section 9.2: a pseudo m-line has the discard port. */
function pseudoLine({ media, protocol, format }: Offer['sections'][number]): string {
  return `${media} 9 ${protocol} ${format}`
}

function answerOf({ parts, offer, request, ufrag, password, ssrc, cname }: Draft, call: Call): string {
  return writeAnswer(offer, {
    sessionId: String(randomU32()),
    ufrag,
    pwd: password,
    fingerprint: { algorithm: 'sha-256', value: parts.dtlsContext.fingerprint },
    setup: answeredSetup(offer),
    candidates: candidatesFor(request.relays),
    ssrc,
    cname,
    sctpInit: call.sctpInit,
    streamId: 'firsthop',
    trackId: 'agent',
  })
}

function mintName(): string {
  return toBase64Url(randomBytes(12))
}

/** V8 keeps the whole of a text for a slice of it, and the pieces of one that was put together. */
function detached(text: string): string {
  return fromUtf8(utf8(text)) ?? text
}

/** A listener is one byte of a frame: docs/link.md. */
const MAX_LISTENERS = 256
