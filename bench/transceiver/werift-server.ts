/** werift's PeerConnection as an echo: one for each call, RTP back as it came. */

import { MediaStreamTrack, RTCPeerConnection, RTCRtpCodecParameters } from 'werift'
import { serveLines } from './line-server.ts'

const connections = new Set<RTCPeerConnection>()

serveLines({
  place: async (offer) => {
    const connection = new RTCPeerConnection({
      iceServers: [],
      codecs: {
        audio: [new RTCRtpCodecParameters({ mimeType: 'audio/opus', clockRate: 48_000, channels: 2 })],
      },
    })
    connections.add(connection)
    const back = new MediaStreamTrack({ kind: 'audio' })
    connection.addTransceiver(back, { direction: 'sendrecv' })
    connection.onTrack.subscribe((track) => track.onReceiveRtp.subscribe((packet) => back.writeRtp(packet)))
    await connection.setRemoteDescription({ type: 'offer', sdp: offer })
    await connection.setLocalDescription(await connection.createAnswer())
    return connection.localDescription?.sdp ?? ''
  },
  endAll: () => {
    for (const connection of connections) void connection.close()
    connections.clear()
  },
})
