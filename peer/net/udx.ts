import { randomBytes } from 'node:crypto'
import UDX, { type UdxStream } from 'udx-native'

/** The udx instance of the process: all sockets and streams share its loop and its stream numbers. */
export const udx = new UDX()

/**
 * Makes a udx stream with an unpredictable number. Once connected, it accepts packets from both sockets of a port: each
 * side chooses its own path, so one may send over IPv6 while the other answers over IPv4.
 */
export function createStream(): UdxStream {
  const number = randomBytes(4).readUInt32BE() || 1
  const stream: UdxStream = udx.createStream(number, { firewall: () => !stream.connected })
  return stream
}
