// @ts-check
/**
 * Reduces a `getStats` report to the few numbers the page shows (W3C webrtc-stats section 7).
 *
 * The remote address is the relay's, so a call that moves to another relay shows here first. Every
 * field may be absent: browsers report different subsets at different times.
 */

/**
 * @typedef {object} CallStats
 * @property {number} [roundTripMillis]  of the selected pair
 * @property {number} [jitterMillis]     of the agent's audio as it arrives
 * @property {number} [receivedPackets]
 * @property {number} [lostPackets]      of the agent's audio
 * @property {number} [sentPackets]
 * @property {string} [remote]           `address:port` of the selected pair
 * @property {string} [protocol]         `udp` or `tcp`
 * @property {number} [heardEnergy]      total energy of the agent's audio; above zero once there was sound
 */

/**
 * Reads the numbers out of a report.
 * @param {Iterable<Record<string, any>>} report  the values of an `RTCStatsReport`
 * @returns {CallStats}
 */
export function readStats(report) {
  const entries = [...report]
  const pair = selectedPair(entries)
  const remote = entries.find((entry) => entry.id === pair?.remoteCandidateId)
  const inbound = entries.find((entry) => entry.type === 'inbound-rtp' && entry.kind === 'audio')
  const outbound = entries.find((entry) => entry.type === 'outbound-rtp' && entry.kind === 'audio')
  return withoutAbsent({
    roundTripMillis: inMillis(pair?.currentRoundTripTime),
    jitterMillis: inMillis(inbound?.jitter),
    receivedPackets: inbound?.packetsReceived,
    lostPackets: inbound?.packetsLost,
    sentPackets: outbound?.packetsSent,
    remote: remote?.address ? formatRemote(remote.address, remote.port) : undefined,
    protocol: remote?.protocol,
    heardEnergy: inbound?.totalAudioEnergy,
  })
}

/**
 * Chromium and Safari name the selected pair on the transport; Firefox marks the pair itself.
 * @param {Record<string, any>[]} entries
 */
function selectedPair(entries) {
  const transport = entries.find((entry) => entry.type === 'transport' && entry.selectedCandidatePairId)
  const pairs = entries.filter((entry) => entry.type === 'candidate-pair')
  return (
    pairs.find((pair) => pair.id === transport?.selectedCandidatePairId) ??
    pairs.find((pair) => pair.selected === true) ??
    pairs.find((pair) => pair.nominated === true && pair.state === 'succeeded')
  )
}

/**
 * @param {string} address
 * @param {number} port
 */
function formatRemote(address, port) {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** @param {number | undefined} seconds */
function inMillis(seconds) {
  return seconds === undefined ? undefined : seconds * 1000
}

/**
 * @param {Record<string, unknown>} fields
 * @returns {CallStats}
 */
function withoutAbsent(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
