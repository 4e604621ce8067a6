import { afterAll, beforeAll, expect, it } from 'vitest'
import { laboratory } from './laboratory.ts'
import type { Pair } from './matrix.ts'
import { type KindName, NAT_KINDS } from './nat-kinds.ts'
import { Trials } from './trials.ts'

const KINDS = Object.keys(NAT_KINDS) as KindName[]
const households = KINDS.filter((name) => 'household' in NAT_KINDS[name])
const withUdp = KINDS.filter((name) => NAT_KINDS[name].expected.udp && !households.includes(name))
/** Neither translates each flow differently, nor has to be asked for a port first. */
const independent = withUdp.filter((name) => NAT_KINDS[name].expected.mapping === 'independent')

const DIRECT: readonly Pair[] = [
  ...withUdp.map((name): Pair => ['open', name]),
  ...independent.map((name): Pair => ['port-restricted', name]),
  ['symmetric-random', 'open'],
  ['symmetric-sequential', 'full-cone'],
  ['upnp', 'symmetric-random'],
  ['nat-pmp', 'pcp'],
  ['ipv6-firewall', 'ipv6-firewall'],
  ...households.map((name): Pair => [name, name]),
]

/** No direct path is to be had, and the port of the relay is dropped: it is reached by TLS. */
const RELAYED: readonly Pair[] = [
  ['relay-dropped', 'symmetric-random'],
  ['symmetric-random', 'relay-dropped'],
  ['conferencing-only', 'port-restricted'],
  ['symmetric-random', 'conferencing-only'],
]

laboratory('pairs of NATs, once each', {}, () => {
  let trials: Trials
  beforeAll(async () => {
    trials = await Trials.start()
  })
  afterAll(() => trials?.[Symbol.asyncDispose]())

  it.each(DIRECT)('%s towards %s is direct', async (a, b) => {
    const [run] = await trials.runs([a, b], 1)
    expect(run).toMatchObject({ path: 'direct', lost: 0 })
  })

  it.each(RELAYED)('%s towards %s is relayed, whatever ports are dropped', async (a, b) => {
    const [run] = await trials.runs([a, b], 1)
    expect(run).toMatchObject({ path: 'relayed', lost: 0 })
  })
})
