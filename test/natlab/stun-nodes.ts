/** Runs a STUN pair on the two given addresses until it is killed. Prints "ready". */
import { startStun } from '../../udp-edge/stun.ts'

const PORTS = [3478, 3479] as const
const fleetKeys = [new Uint8Array(32).fill(7)]
const [one, other] = process.argv.slice(2) as [string, string]

const partner = (ip: string) => ({ address: `${ip}:${PORTS[0]}`, alternatePort: PORTS[1] })
await startStun({ address: one, ports: PORTS, partner: partner(other), fleetKeys })
await startStun({ address: other, ports: PORTS, partner: partner(one), fleetKeys })
process.stdout.write('ready\n')
