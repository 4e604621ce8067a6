import { GATEWAY_PROTOCOL } from '../shared/carried.ts'
import type { GatewaySocket, GatewaySocketEvents } from '../shared/client/gateway-link.ts'

const HANDSHAKE_MS = 5_000

/** Opens a WebSocket to the gateway. A browser sends no header of ours, so the proof is one of two subprotocols. */
export function dialGateway(url: string, proof: string, events: GatewaySocketEvents): GatewaySocket {
  const socket = new WebSocket(url, [GATEWAY_PROTOCOL, proof])
  const late = setTimeout(() => socket.close(), HANDSHAKE_MS)
  socket.onopen = () => {
    clearTimeout(late)
    events.opened()
  }
  socket.onmessage = ({ data }) => typeof data === 'string' && events.received(data)
  socket.onclose = () => {
    clearTimeout(late)
    events.closed()
  }
  return {
    get isOpen() {
      return socket.readyState === WebSocket.OPEN
    },
    get bufferedAmount() {
      return socket.bufferedAmount
    },
    send: (text) => socket.send(text),
    close: () => socket.close(1000),
  }
}
