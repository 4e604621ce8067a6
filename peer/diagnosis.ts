/**
 * Diagnosis of this side of the network, without joining. It tells whether INDEX and the nodes answer, and how the NAT
 * maps and filters (RFC 5780, from the evidence that tunnels also gather). From that it predicts the path to a peer
 * behind each kind of NAT.
 */
import { checkText } from '../shared/arguments.ts'
import { type Prospects, prospects } from '../shared/core/peer/prospects.ts'
import type { Service as PortMappingService } from '../shared/core/port-mapping/dialects.ts'
import type { StunServer } from '../shared/core/tunnel/evidence.ts'
import { type BootstrapNode, fetchBootstrap } from '../shared/rest-client/enrolment.ts'
import { Requests } from '../shared/rest-client/requests.ts'
import { type Address, formatAddress, formatIp, isLoopback, sameIp } from '../shared/wire/address.ts'
import type { Profile } from '../shared/wire/profile.ts'
import { gatherEvidence } from './nat-evidence.ts'
import { PortMapping } from './net/port-mapping.ts'
import { fetchByEnvironment } from './net/proxy.ts'

/** Result of `diagnose`. */
export interface Diagnosis {
  /** True if INDEX answers; `detail` says why not. */
  readonly index: { readonly url: string; readonly reachable: boolean; readonly detail?: string }
  readonly nodes: readonly { readonly node: string; readonly addresses: readonly string[] }[]
  readonly udp: 'works' | 'blocked'
  /** True if this host is behind a NAT. */
  readonly nat: 'none' | 'present' | 'unknown'
  readonly mapping: Profile['mapping']
  readonly filtering: Profile['filtering']
  readonly allocation: Profile['allocation']
  /** True if two peers behind this NAT can reach each other by its public address (hairpinning). */
  readonly hairpin: boolean
  /** Port mapping services of the default gateway. `doubleNat`: its external address is not the public one. */
  readonly portMapping: {
    readonly gateway?: string
    readonly services: readonly PortMappingService[]
    readonly external?: string
    readonly doubleNat: boolean
  }
  readonly local: readonly string[]
  readonly public: readonly string[]
  /** Expected path to a peer behind each kind of NAT. */
  readonly against: Prospects
}

/**
 * Examines this side of the network without joining, which takes a few seconds. `index`: base URL of INDEX. Rejects with
 * `bad-request` if `index` is no text, and never otherwise: the answer says what could not be found out.
 */
export async function diagnose(index: string): Promise<Diagnosis> {
  checkText(index, 'index')
  const asked = await nodesOf(index)
  const isAfar = asked.nodes.some(({ stun }) => stun.some(({ words }) => !isLoopback(words)))
  const [evidence, surveyed] = await Promise.all([
    gatherEvidence(asked.nodes.flatMap(stunOf)),
    isAfar ? survey() : NONE,
  ])
  const { mapping, filtering, allocation, hairpin, local, reflexive } = evidence
  const portMapping = mappingOf(surveyed, reflexive)
  const isSeen = reflexive.length > 0
  const isOwn = reflexive.some((seen) => isLoopback(seen.words) || isAmong(seen, local))
  return {
    index: {
      url: index,
      reachable: asked.detail === undefined,
      ...(asked.detail && { detail: asked.detail }),
    },
    nodes: asked.nodes.map(({ node, checkpoint, relay }) => ({
      node,
      addresses: [...checkpoint, ...relay].map(text),
    })),
    udp: isSeen ? 'works' : 'blocked',
    nat: isSeen ? (isOwn ? 'none' : 'present') : 'unknown',
    mapping,
    filtering,
    allocation,
    hairpin,
    portMapping,
    local: local.map(text),
    public: reflexive.map(text),
    against: prospects(evidence, portMapping.services.length > 0 && !portMapping.doubleNat),
  }
}

type Surveyed = Awaited<ReturnType<PortMapping['survey']>>

const NONE: Surveyed = { services: [] }

async function survey(): Promise<Surveyed> {
  const mapping = new PortMapping(() => {})
  const surveyed = await mapping.survey()
  await mapping.close()
  return surveyed
}

function mappingOf(
  { gateway, services, external }: Surveyed,
  seen: readonly Address[],
): Diagnosis['portMapping'] {
  const isSeen = (address: Address) => seen.some(({ words }) => sameIp(words, 0, address.words, 0))
  return {
    ...(gateway !== undefined && { gateway }),
    services,
    ...(external && { external: formatIp(external.words) }),
    doubleNat: external !== undefined && seen.length > 0 && !isSeen(external),
  }
}

async function nodesOf(index: string): Promise<{ nodes: readonly BootstrapNode[]; detail?: string }> {
  try {
    return await fetchBootstrap(new Requests(index, () => '', { transport: fetchByEnvironment }))
  } catch (error) {
    return { nodes: [], detail: (error as Error).message }
  }
}

const stunOf = ({ stun: [primary, alternate] }: BootstrapNode): StunServer[] =>
  primary ? [{ primary, ...(alternate && { alternate }) }] : []

const isAmong = ({ words }: Address, own: readonly Address[]): boolean =>
  own.some((each) => sameIp(each.words, 0, words, 0))
const text = ({ words }: Address): string => formatAddress(words)
