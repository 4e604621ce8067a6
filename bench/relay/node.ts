/** The process of our relay under test. Its argument is the port. */
import { startRelay } from '../../udp-edge/relay.ts'
import { FLEET_KEY } from './legs.ts'

const relay = await startRelay({ host: '127.0.0.1', port: Number(process.argv[2]), fleetKeys: [FLEET_KEY] })
console.log(relay.address)
