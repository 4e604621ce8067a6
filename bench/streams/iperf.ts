import { StraightwayError } from '../../shared/errors.ts'
import { ADDRESS, type Wire } from './wire.ts'

const PORT = '5201'

/** Megabits a second of one TCP connection from left to right, as iperf3 counts what has arrived. */
export async function iperf(wire: Wire, seconds: number): Promise<number> {
  const server = wire.spawn('right', ['iperf3', '--server', '--one-off', '--port', PORT, '--forceflush'])
  server.once('error', () => {})
  await new Promise((resolve) => server.stdout!.once('data', resolve).once('end', resolve))
  const time = `${Math.max(1, Math.round(seconds))}`
  const told = await wire
    .exec('left', ['iperf3', '--client', ADDRESS.right, '--port', PORT, '--time', time, '--json'])
    .catch((cause) => {
      throw new StraightwayError('unavailable', 'iperf3 failed. On Debian and Ubuntu: apt install iperf3', {
        cause,
      })
    })
  server.stdout!.resume()
  return JSON.parse(told).end.sum_received.bits_per_second / 1e6
}
