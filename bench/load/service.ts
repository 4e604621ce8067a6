/**
 * One service of a node under a flood: service.ts KIND PORT. It prints a line when it serves, and then {"load"} every second and
 * a half: what the node would write into its lease. No datagram of the flood reaches the tables, so there are none.
 */
import { randomBytes } from 'node:crypto'
import { identityOf } from '../../shared/crypto/identity.ts'
import type { NodeId } from '../../shared/ids.ts'
import { createClient } from '../../shared/store/client.ts'
import { CarriedPeers } from '../../udp-edge/carried-socket.ts'
import type { NodeConfig } from '../../udp-edge/config.ts'
import { SaturationMeter } from '../../udp-edge/saturation.ts'
import { loadOf, socketsOf, startServices } from '../../udp-edge/services.ts'
import { freePort } from '../free-port.ts'
import type { ServiceKind } from './bench.ts'

/** Longer than the shortest time between two readings. */
const READ_MS = 1500
const [kind, port] = process.argv.slice(2) as [ServiceKind, string]
const key = randomBytes(32).toString('base64')
const own = Number(port)
const nowhere = { endpoint: 'http://127.0.0.1:9', region: 'none' }
const config: NodeConfig = {
  roles: [kind],
  address: '127.0.0.1',
  ports: { checkpoint: own, handshake: own, relay: own, stun: [own, await freePort()] },
  dynamodb: nowhere,
  fleetKeys: [key],
  ticketKeys: {},
  relayPath: 'process',
  drainMs: 0,
}
const services = await startServices(config, {
  node: 'node_bench' as NodeId,
  identity: identityOf(randomBytes(32)),
  client: createClient(nowhere),
  carried: { checkpoint: new CarriedPeers(), handshake: new CarriedPeers() },
  onMissing: () => {},
  log: (what, error) => console.error(what, error ?? ''),
})
const meter = new SaturationMeter(() => socketsOf(services))
console.log('ready')
setInterval(() => {
  console.log(JSON.stringify({ load: Math.max(loadOf(services), meter.read()) }))
}, READ_MS)
