/** The offer of a light client: one audio line with Opus, as a browser writes it, and nothing that it would not use. */

/** What is particular to one client. */
export interface OfferParameters {
  readonly ufrag: string
  readonly pwd: string
  /** SHA-256, as SDP writes it. */
  readonly fingerprint: string
  readonly ssrc: number
}

/** The payload type of Opus in every offer: the one that Chromium uses. */
export const OPUS_PAYLOAD_TYPE = 111

/** Writes the offer. */
export function writeOffer({ ufrag, pwd, fingerprint, ssrc }: OfferParameters): string {
  const lines = [
    'v=0',
    `o=- ${ssrc} 1 IN IP4 127.0.0.1`,
    's=-',
    't=0 0',
    'a=group:BUNDLE 0',
    `m=audio 9 UDP/TLS/RTP/SAVPF ${OPUS_PAYLOAD_TYPE}`,
    'c=IN IP4 0.0.0.0',
    `a=ice-ufrag:${ufrag}`,
    `a=ice-pwd:${pwd}`,
    `a=fingerprint:sha-256 ${fingerprint}`,
    'a=setup:actpass',
    'a=mid:0',
    'a=sendrecv',
    'a=rtcp-mux',
    `a=rtpmap:${OPUS_PAYLOAD_TYPE} opus/48000/2`,
    `a=ssrc:${ssrc} cname:light-client`,
  ]
  return lines.map((line) => `${line}\r\n`).join('')
}
