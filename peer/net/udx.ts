import { randomBytes } from 'node:crypto'
import UDX, { type UdxStream } from 'udx-native'

/** One for the process: every socket and stream of it shares a loop and the numbers of streams. */
export const udx = new UDX()

/**
 * A udx stream under a number that nobody can guess. Once connected it takes packets from either socket of a port: each
 * side chooses its own path, and one may send over IPv6 what the other answers over IPv4.
 */
export function createStream(): UdxStream {
  const number = randomBytes(4).readUInt32BE() || 1
  const stream: UdxStream = udx.createStream(number, { firewall: () => !stream.connected })
  return stream
}
