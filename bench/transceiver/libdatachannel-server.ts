/** libdatachannel, by node-datachannel, as an echo: one PeerConnection for each call, RTP back as it came. */

import { PeerConnection } from 'node-datachannel'
import { serveLines } from './line-server.ts'
const connections = new Set<PeerConnection>()
/** Kept, or they are collected and fall silent. */
const tracks = new Set<unknown>()

serveLines({
  place: (offer) => {
    const connection = new PeerConnection('bench', { iceServers: [] })
    connections.add(connection)
    connection.onTrack((track) => {
      tracks.add(track)
      track.onMessage((packet) => {
        // A packet may come late, and the library ends the process for it.
        if (track.isOpen()) track.sendMessageBinary(packet)
      })
    })
    const answer = new Promise<string>((resolve) => {
      connection.onGatheringStateChange((state) => {
        if (state === 'complete') resolve(connection.localDescription()?.sdp ?? '')
      })
    })
    connection.setRemoteDescription(offer, 'offer')
    return answer
  },
  endAll: () => {
    for (const connection of connections) connection.close()
    connections.clear()
    tracks.clear()
  },
})
