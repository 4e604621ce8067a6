import WebSocket from 'ws'
import type { GatewaySocket, GatewaySocketEvents } from '../../shared/client/gateway-link.ts'
import { connector, proxyFor } from './proxy.ts'

const HANDSHAKE_MS = 5_000
const MESSAGE_BYTES = 128 * 1024

/** Opens a WebSocket to the gateway, through the proxy that the environment names, if any. */
export function dialGateway(url: string, proof: string, events: GatewaySocketEvents): GatewaySocket {
  const proxy = proxyFor(url)
  const socket = new WebSocket(url, {
    headers: { authorization: `Bearer ${proof}` },
    handshakeTimeout: HANDSHAKE_MS,
    maxPayload: MESSAGE_BYTES,
    perMessageDeflate: false,
    ...(proxy !== undefined && { createConnection: connector(proxy, url.startsWith('wss:')) }),
  })
  socket.on('open', events.opened)
  socket.on('message', (data, isBinary) => isBinary || events.received(data.toString()))
  socket.on('error', () => {})
  socket.on('close', events.closed)
  return {
    get isOpen() {
      return socket.readyState === WebSocket.OPEN
    },
    get bufferedAmount() {
      return socket.bufferedAmount
    },
    send: (text) => socket.send(text),
    close() {
      if (socket.readyState === WebSocket.CONNECTING) socket.terminate()
      else socket.close(1000)
    },
  }
}
