import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { Lab, SERVER_IPS } from './lab.ts'
import { laboratory } from './laboratory.ts'
import type { NatKind } from './nat-kind.ts'
import { NAT_KINDS } from './nat-kinds.ts'

const NODES = fileURLToPath(new URL('stun-nodes.ts', import.meta.url))

/**
 * One kind for each mapping and filtering, except address-dependent mapping. coturn's client tests for that with the other
 * port of the first address, while RFC 5780 section 4.3 requires the other port of the second.
 */
const ONE_OF_EACH: readonly NatKind[] = [
  NAT_KINDS['full-cone'],
  NAT_KINDS['address-restricted'],
  NAT_KINDS['port-restricted'],
  NAT_KINDS['port-restricted-reject'],
  NAT_KINDS['symmetric-sequential'],
  NAT_KINDS['symmetric-random'],
]

/** The words of turnutils_natdiscovery, coturn's client for RFC 5780. */
const WORDS = {
  independent: 'Endpoint Independent',
  address: 'Address Dependent',
  'address-and-port': 'Address and Port Dependent',
} as const

async function discovered(kind: NatKind): Promise<string> {
  await using lab = await Lab.start({ left: kind, right: kind })
  const command = [process.execPath, NODES, ...SERVER_IPS]
  const nodes = lab.spawn('server', command, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(nodes.stdout!, 'data')
  return await lab.run('left', ['turnutils_natdiscovery', '-m', '-f', SERVER_IPS[0]])
}

laboratory(
  'a STUN pair of our nodes, asked by the client of coturn',
  { tools: ['turnutils_natdiscovery'] },
  () => {
    it.each(ONE_OF_EACH)('tells what the router does: $name', async (kind) => {
      const said = await discovered(kind)
      expect(said).toContain(`NAT with ${WORDS[kind.expected.mapping]} Mapping!`)
      expect(said).toContain(`NAT with ${WORDS[kind.expected.filtering]} Filtering!`)
    })

    it('tells that there is no NAT', async () => {
      expect(await discovered(NAT_KINDS.open)).toContain('UDP reflexive addr: 80.81.91.10:')
    })
  },
)
