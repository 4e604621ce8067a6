import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, expect, test } from 'vitest'
import { startSystem } from '../../local/system.ts'
import { type StartStunOptions, type Stun, startStun } from '../../udp-edge/stun.ts'
import { loopbackNet } from './system-under-test.ts'

/**
 * The clients of coturn against a pair of nodes on 127.0.0.1 and 127.0.0.2: somebody else's reading of RFC 8489 and
 * RFC 5780. There is no NAT here, so what they say of one must be that it is open.
 */
const run = promisify(execFile)
const isThere = (tool: string) => spawnSync(tool, []).error === undefined
const missing = !['turnutils_stunclient', 'turnutils_natdiscovery'].every(isThere)
const skip = missing && process.env.CI === undefined
const withTools = test.skipIf(skip)
const NEEDS = skip ? ' (needs the turnutils of the package coturn)' : ''

const FLEET_KEY = new Uint8Array(32).fill(9)
const opened: Stun[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((stun) => stun.close()))
})

const portOf = (address: string) => Number(address.slice(address.lastIndexOf(':') + 1))

/** Both on the same two ports, as RFC 5780 has it. `other`: what is different about the second. */
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

async function natDiscovery(port: number, ...options: string[]): Promise<string> {
  return natDiscoveryAt('127.0.0.1', port, ...options)
}

async function natDiscoveryAt(ip: string, port: number, ...options: string[]): Promise<string> {
  const { stdout } = await run('turnutils_natdiscovery', [...options, '-p', `${port}`, '-L', '127.0.0.1', ip])
  return stdout
}

const count = (text: string, part: string | RegExp) => text.split(part).length - 1

withTools(`turnutils_stunclient gets answers from both addresses and at another port${NEEDS}`, async () => {
  const { port, alternate } = await startPair()
  const { stdout } = await run('turnutils_stunclient', ['-p', `${port}`, '-f', '127.0.0.1'])
  expect(count(stdout, 'RFC 5780 response')).toBe(3)
  expect(stdout).toContain(`Response origin: : 127.0.0.1:${port}`)
  expect(stdout).toContain(`Response origin: : 127.0.0.2:${alternate}`)
  expect(stdout).toContain(`Other addr: : 127.0.0.2:${alternate}`)
  expect(count(stdout, 'UDP reflexive addr: 127.0.0.1:')).toBe(3)
})

withTools(
  `turnutils_natdiscovery finds no NAT, independent mapping and independent filtering${NEEDS}`,
  async () => {
    const { port, alternate } = await startPair()
    const found = await natDiscovery(port, '-m', '-f')
    expect(count(found, 'No NAT! (Endpoint Independent Mapping)')).toBe(2)
    expect(found).toContain('NAT with Endpoint Independent Mapping!')
    expect(found).toContain('NAT with Endpoint Independent Filtering!')
    expect(found).toContain(`Response origin: : 127.0.0.2:${port}`)
    expect(found).toContain(`Response origin: : 127.0.0.2:${alternate}`)
  },
)

withTools(`with padding of 1,500 bytes the same is found, and MAPPED-ADDRESS comes too${NEEDS}`, async () => {
  const { port } = await startPair()
  const found = await natDiscovery(port, '-m', '-f', '-P')
  expect(found).toContain('NAT with Endpoint Independent Mapping!')
  expect(found).toContain('NAT with Endpoint Independent Filtering!')
  expect(count(found, 'No ALG: Mapped == XOR-Mapped')).toBe(4)
})

withTools(
  `where the other address cannot answer, filtering is found to depend on the address${NEEDS}`,
  async () => {
    const { port } = await startPair({ fleetKeys: [new Uint8Array(32)] })
    const found = await natDiscovery(port, '-f')
    expect(found).toContain('NAT with Address Dependent Filtering!')
  },
)

withTools(`the lifetime test gets its second answer at the port it asks for${NEEDS}`, async () => {
  const { port } = await startPair()
  const found = await natDiscovery(port, '-t', '-T', '1')
  expect(count(found, 'RFC 5780 response')).toBe(2)
})

withTools(`two local addresses with one port are told apart${NEEDS}`, async () => {
  const { port } = await startPair()
  const found = await natDiscovery(port, '-c', '-A', '127.0.0.3')
  expect(found).toMatch(/UDP reflexive addr: 127\.0\.0\.1:(\d+)\b.*UDP reflexive addr: 127\.0\.0\.3:\1\b/s)
})

/** On the ports of the protocol, which both nodes have; on addresses that nobody else takes. */
withTools(`against what \`npm start\` runs both find the same${NEEDS}`, async () => {
  const [a, b] = [`${loopbackNet()}.1`, `${loopbackNet()}.2`]
  const http = { host: '127.0.0.1', port: 0 }
  const system = await startSystem({ addresses: [a, b], http })
  try {
    const { stdout } = await run('turnutils_stunclient', ['-p', '3478', '-f', a])
    expect(count(stdout, 'RFC 5780 response')).toBe(3)
    expect(stdout).toContain(`Response origin: : ${b}:3479`)
    const found = await natDiscoveryAt(b, 3478, '-m', '-f')
    expect(count(found, 'No NAT! (Endpoint Independent Mapping)')).toBe(2)
    expect(found).toContain('NAT with Endpoint Independent Filtering!')
    expect(found).toContain(`Response origin: : ${a}:3479`)
  } finally {
    await system.close()
  }
})
