/** Says what a packet of a client is, field by field, as the relay's own readers see it. */

import { fromUtf8, toHex } from '#shared/bytes'
import { classifyPacket } from '#shared/packet/classify'
import { RtpView } from '#shared/packet/rtp'
import { checkFingerprint } from '#shared/stun/integrity'
import { parseStunMessage } from '#shared/stun/message'
import type { StunAttribute } from '#shared/stun/message'
import * as registry from '#shared/stun/registry'
import { StunView } from '#shared/stun/view'
import { parseUfrag } from '#shared/ufrag/route'
import type { RouteKeyRing } from '#shared/ufrag/route'

/** What may be said, and with which keys. */
export interface DescribeOptions {
  /** The keys that open ufrags; without them they stay shut. */
  readonly routeKeys?: RouteKeyRing | undefined
  /** Whether names and values are shown: they belong to somebody's call. */
  readonly showsValues: boolean
  /** The minute by which ufrags expire, as `minutesOf` counts. */
  readonly nowMinutes: number
}

/** Returns lines of a label and a text. */
export function describePacket(packet: Uint8Array, options: DescribeOptions): string[] {
  const kind = classifyPacket(packet, 0, packet.length)
  const details = kind === 'stun' ? describeStun(packet, options) : kind === 'rtp' ? describeRtp(packet) : []
  return [line('class', kind), ...details]
}

/** Formats one line. */
export function line(label: string, text: string): string {
  return `${label.padEnd(LABEL_CHARACTERS)}${text}`
}

function describeStun(packet: Uint8Array, options: DescribeOptions): string[] {
  const message = parseStunMessage(packet)
  if (typeof message === 'string') return [line('form', message)]
  const name = MESSAGE_NAMES.get(message.type) ?? 'not a message of ICE'
  return [
    line('type', `${hexNumber(message.type)} ${name}`),
    line('id', toHex(message.transactionId)),
    ...message.attributes.map((attribute) => line('attribute', describeAttribute(attribute, options))),
    line('fingerprint', checkFingerprint(packet)),
    ...describeUfrag(packet, options),
  ]
}

function describeAttribute({ type, value }: StunAttribute, { showsValues }: DescribeOptions): string {
  const name = `${hexNumber(type)} ${ATTRIBUTE_NAMES.get(type) ?? '(unknown)'}, ${value.length} bytes`
  return showsValues && value.length > 0 ? `${name}: ${textOf(value)}` : name
}

function describeUfrag(
  packet: Uint8Array,
  { routeKeys, showsValues, nowMinutes }: DescribeOptions,
): string[] {
  const view = new StunView()
  view.read(packet, 0, packet.length)
  if (!view.isBindingRequest) return []
  if (view.ufragLength < 0) return [line('ufrag', 'none')]
  const ufrag = textOf(packet.subarray(view.usernameStart, view.usernameStart + view.ufragLength))
  const name = showsValues ? ufrag : `${view.ufragLength} characters, masked`
  if (routeKeys === undefined) return [line('ufrag', `${name}; give --keys to open it`)]
  const route = parseUfrag(ufrag, routeKeys, nowMinutes)
  if (typeof route === 'string') return [line('ufrag', `${name}; ${route}`)]
  const { cluster, transceiver, session, expiryMinutes, flags } = route
  const where = `cluster ${cluster}, transceiver ${transceiver}, session ${session}, flags ${flags}`
  return [line('ufrag', `${name}; ${where}, until minute ${expiryMinutes} (it is ${nowMinutes})`)]
}

function describeRtp(packet: Uint8Array): string[] {
  const view = new RtpView()
  // Padding is under SRTP's encryption, so only the header can be held to its form.
  const fault = view.read(packet, 0, packet.length)
  if (fault !== undefined && fault !== 'rtp-padding') return [line('form', fault)]
  const { payloadType, sequence, timestamp, ssrc } = view
  return [line('header', `type ${payloadType}, sequence ${sequence}, timestamp ${timestamp}, source ${ssrc}`)]
}

function textOf(value: Uint8Array): string {
  const text = fromUtf8(value)
  return text !== undefined && /^[\x20-\x7e]+$/.test(text) ? text : toHex(value)
}

function hexNumber(value: number): string {
  return `0x${value.toString(16).padStart(4, '0')}`
}

/** The names that the registry's constants have, by their numbers. */
function namesOf(prefix: string): ReadonlyMap<number, string> {
  const constants = Object.entries(registry).filter(([name]) => name.startsWith(prefix))
  return new Map(
    constants.map(([name, value]) => [Number(value), name.slice(prefix.length).replaceAll('_', '-')]),
  )
}

const ATTRIBUTE_NAMES = namesOf('ATTRIBUTE_')

const MESSAGE_NAMES: ReadonlyMap<number, string> = new Map([
  [registry.BINDING_REQUEST, 'Binding request'],
  [registry.BINDING_INDICATION, 'Binding indication'],
  [registry.BINDING_SUCCESS, 'Binding success response'],
  [registry.BINDING_ERROR, 'Binding error response'],
])

const LABEL_CHARACTERS = 13
