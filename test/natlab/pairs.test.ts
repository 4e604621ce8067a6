import { afterAll, beforeAll, expect, it } from 'vitest'
import type { WhyNotDirect } from '../../shared/why-not-direct.ts'
import { MAX_PAYLOAD_BYTES } from '../../shared/wire/tunnel.ts'
import { laboratory } from './laboratory.ts'
import type { Pair } from './matrix.ts'
import { type KindName, NAT_KINDS } from './nat-kinds.ts'
import { Trials } from './trials.ts'

const KINDS = Object.keys(NAT_KINDS) as KindName[]
const households = KINDS.filter((name) => 'household' in NAT_KINDS[name])
const withUdp = KINDS.filter((name) => NAT_KINDS[name].expected.udp && !households.includes(name))
/** Kinds whose direct path is too narrow for a full-size datagram. */
const TOO_NARROW: readonly KindName[] = ['narrow-1000']
/** Kinds with endpoint-independent mapping that are wide enough. They do not have to request a port first. */
const independent = withUdp.filter(
  (name) => NAT_KINDS[name].expected.mapping === 'independent' && !TOO_NARROW.includes(name),
)

/** Kinds whose specialty is not their NAT, so one pair with each is enough. */
const ONCE: readonly KindName[] = [
  ...(['checkpoint-dropped', 'handshake-dropped', 'stun-dropped'] as const),
  ...(['narrow-1280', 'narrow-1000', 'overlapping'] as const),
]

const DIRECT: readonly Pair[] = [
  ...withUdp.filter((name) => !ONCE.includes(name)).map((name): Pair => ['open', name]),
  ...independent.map((name): Pair => ['port-restricted', name]),
  ['symmetric-random', 'open'],
  ['symmetric-sequential', 'full-cone'],
  ['upnp', 'symmetric-random'],
  ['nat-pmp', 'pcp'],
  ['ipv6-firewall', 'ipv6-firewall'],
  ['ipv6-only', 'ipv6-firewall'],
  ['ipv6-firewall', 'ipv6-only'],
  ...households.map((name): Pair => [name, name]),
  ['overlapping', 'overlapping'],
]

/**
 * Pairs without a direct path, or without one for a full-size datagram. What UDP cannot carry goes over TLS or the gateway.
 * The first datagram may be lost: until a leg has proven its address, a relay sends it no more bytes than came from it.
 */
const RELAYED: readonly (readonly [...Pair, whyNotDirect: WhyNotDirect])[] = [
  ['relay-dropped', 'symmetric-random', 'both-symmetric'],
  ['conferencing-only', 'open', 'probe-timeout'],
  ['quic-only', 'port-restricted', 'probe-timeout'],
  ['port-restricted', 'proxy-only', 'udp-blocked'],
  ['ipv6-only', 'port-restricted', 'no-candidates'],
  ['narrow-1000', 'narrow-1000', 'data-blocked'],
  ['symmetric-random', 'narrow-1000', 'data-blocked'],
]

/** Pairs that meet by chance in nine of ten tunnels. */
const LIKELY: readonly Pair[] = [
  ['symmetric-block', 'symmetric-block'],
  ['symmetric-block', 'symmetric-sequential'],
  ['symmetric-sequential', 'symmetric-block'],
]
const CHANCES = 3

laboratory('pairs of NATs, once each', {}, () => {
  let trials: Trials
  beforeAll(async () => {
    trials = await Trials.start()
  })
  afterAll(() => trials?.[Symbol.asyncDispose]())

  it.each(LIKELY)('%s towards %s is direct in one of three tunnels at least', async (a, b) => {
    const runs = await trials.runs([a, b], CHANCES)
    expect(runs.map(({ error }) => error)).toEqual(runs.map(() => undefined))
    expect(runs.map(({ path }) => path)).toContain('direct')
  })

  it.each(DIRECT)('%s towards %s is direct', async (a, b) => {
    const [run] = await trials.runs([a, b], 1)
    expect(run).toMatchObject({ path: 'direct', lost: 0 })
  })

  it.each(
    RELAYED,
  )('%s towards %s is relayed, with datagrams of full size: %s', async (a, b, whyNotDirect) => {
    const [run] = await trials.runs([a, b], 1, MAX_PAYLOAD_BYTES)
    expect(run).toMatchObject({ path: 'relayed', whyNotDirect })
    expect(run!.lost).toBeLessThanOrEqual(1)
  })
})
