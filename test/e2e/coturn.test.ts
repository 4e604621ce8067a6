/**
 * The clients of coturn, an independent implementation of RFC 8489 and RFC 5780, against a pair of nodes on 127.0.0.1 and
 * 127.0.0.2. There is no NAT here, so the clients must report an open network.
 */
import { afterEach, expect } from 'vitest'
import { type StartStunOptions, type Stun, startStun } from '../../udp-edge/stun.ts'
import { count, NEEDS, natDiscovery, stunClient, withTurnutils } from './turnutils.ts'

const FLEET_KEY = new Uint8Array(32).fill(9)
const opened: Stun[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((stun) => stun.close()))
})

const portOf = (address: string) => Number(address.slice(address.lastIndexOf(':') + 1))

/** Starts both nodes on the same two ports, as RFC 5780 requires. `other`: options of the second node that differ. */
async function startPair(
  other: Partial<StartStunOptions> = {},
): Promise<{ port: number; alternate: number }> {
  const fleetKeys = [FLEET_KEY]
  const a = await startStun({ address: '127.0.0.1', ports: [0, 0], fleetKeys })
  opened.push(a)
  const [port, alternate] = a.addresses.map(portOf) as [number, number]
  const partner = { address: a.addresses[0], alternatePort: alternate }
  const b = await startStun({ address: '127.0.0.2', ports: [port, alternate], partner, fleetKeys, ...other })
  opened.push(b)
  a.setPartner({ address: b.addresses[0], alternatePort: alternate })
  return { port, alternate }
}

withTurnutils(
  `turnutils_stunclient gets answers from both addresses and at another port${NEEDS}`,
  async () => {
    const { port, alternate } = await startPair()
    const answers = await stunClient('127.0.0.1', port)
    expect(count(answers, 'RFC 5780 response')).toBe(3)
    expect(answers).toContain(`Response origin: : 127.0.0.1:${port}`)
    expect(answers).toContain(`Response origin: : 127.0.0.2:${alternate}`)
    expect(answers).toContain(`Other addr: : 127.0.0.2:${alternate}`)
    expect(count(answers, 'UDP reflexive addr: 127.0.0.1:')).toBe(3)
  },
)

withTurnutils(
  `turnutils_natdiscovery finds no NAT, independent mapping and independent filtering${NEEDS}`,
  async () => {
    const { port, alternate } = await startPair()
    const found = await natDiscovery('127.0.0.1', port, '-m', '-f')
    expect(count(found, 'No NAT! (Endpoint Independent Mapping)')).toBe(2)
    expect(found).toContain('NAT with Endpoint Independent Mapping!')
    expect(found).toContain('NAT with Endpoint Independent Filtering!')
    expect(found).toContain(`Response origin: : 127.0.0.2:${port}`)
    expect(found).toContain(`Response origin: : 127.0.0.2:${alternate}`)
  },
)

withTurnutils(
  `with padding of 1,500 bytes the same is found, and MAPPED-ADDRESS comes too${NEEDS}`,
  async () => {
    const { port } = await startPair()
    const found = await natDiscovery('127.0.0.1', port, '-m', '-f', '-P')
    expect(found).toContain('NAT with Endpoint Independent Mapping!')
    expect(found).toContain('NAT with Endpoint Independent Filtering!')
    expect(count(found, 'No ALG: Mapped == XOR-Mapped')).toBe(4)
  },
)

withTurnutils(
  `where the other address cannot answer, filtering is found to depend on the address${NEEDS}`,
  async () => {
    const { port } = await startPair({ fleetKeys: [new Uint8Array(32)] })
    const found = await natDiscovery('127.0.0.1', port, '-f')
    expect(found).toContain('NAT with Address Dependent Filtering!')
  },
)

withTurnutils(`the lifetime test gets its second answer at the port it asks for${NEEDS}`, async () => {
  const { port } = await startPair()
  const found = await natDiscovery('127.0.0.1', port, '-t', '-T', '1')
  expect(count(found, 'RFC 5780 response')).toBe(2)
})

withTurnutils(`two local addresses with one port are told apart${NEEDS}`, async () => {
  const { port } = await startPair()
  const found = await natDiscovery('127.0.0.1', port, '-c', '-A', '127.0.0.3')
  expect(found).toMatch(/UDP reflexive addr: 127\.0\.0\.1:(\d+)\b.*UDP reflexive addr: 127\.0\.0\.3:\1\b/s)
})
