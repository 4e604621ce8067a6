import dgram from 'node:dgram'
import { once } from 'node:events'

/** A UDP port that is free on every IPv4 address now. */
export async function freePort(): Promise<number> {
  const socket = dgram.createSocket('udp4')
  socket.bind(0, '0.0.0.0')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}
