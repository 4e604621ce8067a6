/** The STUN node under test. Its rate limits are lifted, because all load comes from one IP address. */
import { startStun } from '../udp-edge/stun.ts'

const RATE = 1e9
const [port, alternate] = process.argv.slice(2).map(Number) as [number, number]
const stun = await startStun({
  address: '127.0.0.1',
  ports: [port, alternate],
  partner: { address: `127.0.0.2:${port}`, alternatePort: alternate },
  fleetKeys: [new Uint8Array(32)],
  longerPerSecond: RATE,
  excessBytesPerSecond: RATE * 100,
})
console.log(JSON.stringify({ pid: process.pid, addresses: stun.addresses }))
