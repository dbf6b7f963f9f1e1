/**
 * Transport addresses: as text for people and SDP, as five 32-bit words for the packet path.
 *
 * Every address has one text (dotted quad, or RFC 5952 for IPv6) and one set of words: an IPv4 address is its
 * IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2), and the mapped address in turn always reads as IPv4.
 * Zone identifiers (RFC 4007) are left out: they mean nothing on another host.
 *
 *     word 0..3   the 16 address bytes, big-endian
 *     word 4      | 7 bits zero | tcp 1 | listener 8 | port 16 |
 */

import { readI32, readU16, writeU16, writeU32 } from './bytes.ts'

/** An IP address in its canonical text and a port. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

/** A client as its relay sees it: where it is, and through which of the relay's client ports it came. */
export interface Client extends Endpoint {
  readonly listener: number
  readonly transport: 'udp' | 'tcp'
}

/** Words that hold one client in an `Int32Array`. */
export const ENDPOINT_WORDS = 5

/** Word 2 of an IPv4-mapped address: ::ffff:0:0/96, RFC 4291 section 2.5.5.2. */
export const IPV4_MAPPED_WORD = 0xffff

/** Bit of word 4 that marks a client on TCP. */
export const TCP_BIT = 1 << 24

/** Reads a dotted quad or an IPv6 address of any RFC 4291 section 2.2 form as 16 bytes. */
export function parseAddress(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(16)
  if (!text.includes(':')) {
    bytes.fill(0xff, 10, 12)
    return writeDottedQuad(bytes, 12, text) ? bytes : undefined
  }
  const [head = '', tail, ...more] = text.split('::')
  if (more.length > 0) return undefined
  const left = parseGroups(head, tail === undefined)
  const right = parseGroups(tail ?? '', true)
  if (left === undefined || right === undefined) return undefined
  const bytesGiven = left.length + right.length
  // "::" stands for one group of zeros at least.
  if (tail === undefined ? bytesGiven !== 16 : bytesGiven > 14) return undefined
  bytes.set(left)
  bytes.set(right, 16 - right.length)
  return bytes
}

/** Writes 16 address bytes as a dotted quad if they are an IPv4-mapped address, else as RFC 5952 section 4 says. */
export function formatAddress(bytes: Uint8Array): string {
  if (isMappedAddress(bytes)) return bytes.subarray(12).join('.')
  const groups = Array.from({ length: 8 }, (_, i) => readU16(bytes, i * 2))
  const { start, length } = longestZeroRun(groups)
  if (length < 2) return hexGroups(groups)
  return `${hexGroups(groups.slice(0, start))}::${hexGroups(groups.slice(start + length))}`
}

/** Tells whether 16 address bytes are an IPv4-mapped address, RFC 4291 section 2.5.5.2. */
export function isMappedAddress(bytes: Uint8Array): boolean {
  return readI32(bytes, 0) === 0 && readI32(bytes, 4) === 0 && readI32(bytes, 8) === IPV4_MAPPED_WORD
}

/** Writes `client` as words; false, and nothing written, if its address is not one. */
export function writeClient(words: Int32Array, at: number, client: Client): boolean {
  const bytes = parseAddress(client.address)
  if (bytes === undefined) return false
  for (let i = 0; i < 4; i++) words[at + i] = readI32(bytes, i * 4)
  words[at + 4] = client.port | (client.listener << 16) | (client.transport === 'tcp' ? TCP_BIT : 0)
  return true
}

/** Reads the client that five words hold. */
export function readClient(words: Int32Array, at: number): Client {
  const bytes = new Uint8Array(16)
  for (let i = 0; i < 4; i++) writeU32(bytes, i * 4, words[at + i] ?? 0)
  const last = words[at + 4] ?? 0
  return {
    address: formatAddress(bytes),
    port: last & 0xffff,
    listener: (last >>> 16) & 0xff,
    transport: (last & TCP_BIT) === 0 ? 'udp' : 'tcp',
  }
}

/** Tells whether the words hold an IPv4 address. */
export function isIpv4Words(words: Int32Array, at: number): boolean {
  return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === IPV4_MAPPED_WORD
}

/** Writes `1.2.3.4:5` or `[2001:db8::1]:5`, RFC 5952 section 6. */
export function formatEndpoint(endpoint: Endpoint): string {
  const { address, port } = endpoint
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** Reads what `formatEndpoint` writes, and makes the address canonical. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, ipv6, ipv4, digits] = ENDPOINT.exec(text) ?? []
  const bytes = parseAddress(ipv6 ?? ipv4 ?? '')
  const port = Number(digits)
  if (bytes === undefined || port > 0xffff) return undefined
  return { address: formatAddress(bytes), port }
}

/** Reads colon-separated groups, the last of which may be a dotted quad, into their bytes. */
function parseGroups(text: string, isLast: boolean): Uint8Array | undefined {
  if (text === '') return new Uint8Array(0)
  const groups = text.split(':')
  const quad = isLast && groups.at(-1)?.includes('.') ? groups.pop() : undefined
  if (groups.length > 8 || !groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined
  const bytes = new Uint8Array(groups.length * 2 + (quad === undefined ? 0 : 4))
  groups.forEach((group, i) => writeU16(bytes, i * 2, Number.parseInt(group, 16)))
  return quad === undefined || writeDottedQuad(bytes, groups.length * 2, quad) ? bytes : undefined
}

function writeDottedQuad(bytes: Uint8Array, at: number, text: string): boolean {
  const parts = text.split('.')
  const isQuad =
    parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)
  if (isQuad) bytes.set(parts.map(Number), at)
  return isQuad
}

/** The first of the longest runs of zero groups, RFC 5952 section 4.2.3. */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 }
  let start = 0
  groups.forEach((group, i) => {
    if (group !== 0) start = i + 1
    else if (i + 1 - start > longest.length) longest = { start, length: i + 1 - start }
  })
  return longest
}

function hexGroups(groups: readonly number[]): string {
  return groups.map((group) => group.toString(16)).join(':')
}

/** Brackets around an address with colons, and around no other. */
const ENDPOINT = /^(?:\[([^\]]*:[^\]]*)\]|([^:[\]]+)):(0|[1-9]\d{0,4})$/
