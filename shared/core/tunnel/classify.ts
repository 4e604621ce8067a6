/** Classifies the NAT in front of a socket from the mapped addresses that STUN servers and a HANDSHAKE saw. */
import { isIpv4, sameAddress, sameIp } from '../../wire/address.ts'
import type { Allocation, Dependence, Overloads } from '../../wire/profile.ts'
import type { PortSample } from './port-sampler.ts'

/** `server` saw the socket at `mapped`. Observations are in sending order. */
export interface Observation {
  readonly server: Uint32Array
  readonly mapped: Uint32Array
}

export interface MappingClass {
  readonly mapping: Dependence
  /** The servers saw several IP addresses. */
  readonly pooled: boolean
  readonly allocation: Allocation
  readonly step: number
  readonly low: number
  readonly high: number
}

/** Ports that a NAT assigns to its hosts one after another are rarely farther apart than this. */
const MAX_STEP = 32

export interface PortClass {
  readonly allocation: Allocation
  readonly step: number
  readonly low: number
  readonly high: number
  /** `unknown` if no port was seen twice: few samples show nothing. */
  readonly overloads: Overloads
}

/** With fewer samples no class is reported. */
const LEAST_SAMPLES = 8
/** A wider range counts as all ports: narrowing it would save little and could miss. */
const MAX_BLOCK = 32_768

/** Classes by RFC 5780 section 4.3, over IPv4; `unknown` if there are too few observations. */
export function classify(observations: readonly Observation[], localPort: number): MappingClass {
  const seen = observations.filter(({ mapped }) => isIpv4(mapped))
  const ports = seen.map(({ mapped }) => mapped[4]!)
  const mapping = mappingOf(seen)
  const distinct = [...new Set(ports)]
  const step = distinct.length > 1 ? stepOf(distinct) : 0
  const pooled = seen.some(({ mapped }) => !sameIp(mapped, 0, seen[0]!.mapped, 0))
  return {
    mapping,
    pooled,
    allocation: allocationOf(distinct, step, localPort),
    step,
    low: ports.length > 0 ? Math.min(...ports) : 0,
    high: ports.length > 0 ? Math.max(...ports) : 0,
  }
}

/**
 * Two mapped addresses that differ between two ports of one server mean `addressAndPort`; between servers, at least
 * `address`.
 */
function mappingOf(seen: readonly Observation[]): Dependence {
  const pairs = seen.flatMap((one, i) => seen.slice(i + 1).map((other) => [one, other] as const))
  const across = pairs.filter(([one, other]) => !sameIp(one.server, 0, other.server, 0))
  const within = pairs.filter(([one, other]) => sameIp(one.server, 0, other.server, 0))
  if (within.some(differs)) return 'addressAndPort'
  if (across.length === 0) return 'unknown'
  if (!across.some(differs)) return 'independent'
  return within.length > 0 ? 'address' : 'addressAndPort'
}

const differs = ([one, other]: readonly [Observation, Observation]): boolean =>
  !sameAddress(one.mapped, 0, other.mapped, 0)

/** Distance between ports assigned one after another, upwards; 0 if they do not look like that. */
function stepOf(ports: readonly number[]): number {
  const steps = ports.slice(1).map((port, i) => port - ports[i]!)
  return steps.every((step) => step > 0 && step <= MAX_STEP) ? Math.min(...steps) : 0
}

function allocationOf(distinct: readonly number[], step: number, localPort: number): Allocation {
  if (distinct.length === 0) return 'unknown'
  if (distinct.length === 1) return distinct[0] === localPort ? 'preserving' : 'unknown'
  return step > 0 ? 'sequential' : 'random'
}

/**
 * Classifies how a symmetric NAT assigns ports, from samples of fresh sockets. *Sequential*: most neighbours among the
 * sorted ports have the same distance. This tolerates reordering, foreign flows in between, and one wrap around.
 */
export function classifyPorts(
  samples: readonly PortSample[],
  localPortOf: (socket: number) => number,
): PortClass | undefined {
  const answered = samples.filter(({ port }) => port > 0)
  const ports = [...new Set(answered.map(({ port }) => port))].sort((a, b) => a - b)
  if (ports.length < LEAST_SAMPLES) return undefined
  const [low, high] = [ports[0]!, ports.at(-1)!]
  const range = { step: 0, low, high, overloads: ports.length < answered.length ? 'yes' : 'unknown' } as const
  if (keepsFirst(answered, localPortOf)) return { ...range, allocation: 'preserving' }
  const step = commonGap(ports)
  if (step > 0) return { ...range, allocation: 'sequential', step }
  return { ...range, allocation: high - low < MAX_BLOCK ? 'block' : 'random' }
}

/** Findings of a second series of samples about a block of ports: its ends, and whether ports are overloaded. */
export function widened(block: PortClass, samples: readonly PortSample[]): PortClass {
  const ports = samples.flatMap(({ port }) => (port > 0 ? [port] : []))
  if (ports.length < LEAST_SAMPLES) return block
  const [low, high] = [Math.min(block.low, ...ports), Math.max(block.high, ...ports)]
  const overloads = block.overloads === 'yes' || new Set(ports).size < ports.length ? 'yes' : 'no'
  return { ...block, low, high, overloads }
}

/** True if the first destination of most sockets sees the local port; later destinations cannot get the same one. */
function keepsFirst(samples: readonly PortSample[], localPortOf: (socket: number) => number): boolean {
  const first = new Map<number, number>()
  for (const { socket, port } of samples) if (!first.has(socket)) first.set(socket, port)
  const kept = [...first].filter(([socket, port]) => port === localPortOf(socket))
  return kept.length * 4 >= first.size * 3
}

/** The distance that at least half of the neighbours have; 0 if there is none. */
function commonGap(ports: readonly number[]): number {
  const gaps = ports.slice(1).map((port, i) => port - ports[i]!)
  const median = [...gaps].sort((a, b) => a - b)[Math.floor((gaps.length - 1) / 2)]!
  const equal = gaps.filter((gap) => gap === median)
  return median <= MAX_STEP && equal.length * 2 >= gaps.length ? median : 0
}
