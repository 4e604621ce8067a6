import dgram from 'node:dgram'
import { once } from 'node:events'

/** Finds a UDP port that is free now on every IPv4 address. */
export async function freePort(): Promise<number> {
  const socket = dgram.createSocket('udp4')
  socket.bind(0, '0.0.0.0')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}
