/**
 * SDP as lines that lose nothing: what is parsed and written again is the same text (RFC 8866 section 5).
 *
 * A description is its session lines, then one group of lines per m-line. Every line keeps its own ending (CRLF,
 * or a bare LF, which section 5 asks parsers to accept), empty lines at the end included. Only the shape of lines
 * and m-lines is checked here; what attributes mean is left to the readers.
 */

/** One line `<type>=<value>` with its ending; an empty line has the type ''. */
export interface SdpLine {
  readonly type: string
  readonly value: string
  readonly ending: '\r\n' | '\n' | ''
}

/** The lines of one media description, the m-line first, and what that line says (RFC 8866 section 5.14). */
export interface MediaSection {
  readonly lines: readonly SdpLine[]
  readonly media: string
  readonly port: number
  readonly protocol: string
  readonly formats: readonly [string, ...string[]]
}

/** A parsed description: session lines, then media sections in their order. */
export interface SessionDescription {
  readonly lines: readonly SdpLine[]
  readonly media: readonly MediaSection[]
}

/** Parses `text`, or says that it is not SDP. */
export function parseDescription(text: string): SessionDescription | 'sdp-malformed' {
  const lines = parseLines(text)
  if (lines?.[0]?.type !== 'v' || lines[0].value !== '0') return 'sdp-malformed'
  const starts = lines.flatMap((line, i) => (line.type === 'm' ? [i] : []))
  const media: MediaSection[] = []
  for (const [i, start] of starts.entries()) {
    const section = parseSection(lines.slice(start, starts[i + 1]))
    if (section === undefined) return 'sdp-malformed'
    media.push(section)
  }
  return { lines: lines.slice(0, starts[0]), media }
}

/** Writes the text that `description` was parsed from. */
export function serialiseDescription(description: SessionDescription): string {
  const lines = [description, ...description.media].flatMap((part) => part.lines)
  return lines.map(({ type, value, ending }) => (type === '' ? ending : `${type}=${value}${ending}`)).join('')
}

/** Returns the values of all attributes called `name`; that of a property attribute is ''. */
export function attributeValues(part: { readonly lines: readonly SdpLine[] }, name: string): string[] {
  return part.lines
    .filter(({ type, value }) => type === 'a' && (value === name || value.startsWith(`${name}:`)))
    .map(({ value }) => value.slice(name.length + 1).trim())
}

/** Returns the value of the first attribute called `name`. */
export function attributeValue(
  part: { readonly lines: readonly SdpLine[] },
  name: string,
): string | undefined {
  return attributeValues(part, name)[0]
}

function parseLines(text: string): SdpLine[] | undefined {
  const lines: SdpLine[] = []
  for (const [raw] of text.matchAll(RAW_LINE)) {
    const [match, type = '', value = '', ending] = LINE.exec(raw) ?? []
    const followsEmptyLine = lines.at(-1)?.type === ''
    if (match === undefined || (followsEmptyLine && type !== '')) return undefined
    lines.push({ type, value, ending: ending as SdpLine['ending'] })
  }
  return lines
}

function parseSection(lines: readonly SdpLine[]): MediaSection | undefined {
  const tokens = lines[0]?.value.trim().split(/ +/) ?? []
  const [media, portText = '', protocol, format, ...more] = tokens
  const port = Number(PORT.exec(portText)?.[1])
  if (media === undefined || protocol === undefined || format === undefined) return undefined
  if (!(port <= 0xffff) || !tokens.every((token) => TOKEN.test(token))) return undefined
  return { lines, media, port, protocol, formats: [format, ...more] }
}

const RAW_LINE = /[^\n]*\n|[^\n]+$/g

/** RFC 8866 section 9, without the checks of single values: one letter, "=", then anything but CR and LF. */
const LINE = /^(?:([a-z])=([^\r\n]*))?(\r\n|\n|)$/

/** The visible ASCII characters, a superset of what RFC 8866 section 9 allows in the fields of an m-line. */
const TOKEN = /^[!-~]+$/

/** A port, with the count of ports that RFC 8866 section 5.14 allows and WebRTC does not use. */
const PORT = /^(\d{1,5})(?:\/\d+)?$/
