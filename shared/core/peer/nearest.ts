/**
 * Finds a near node if the nodes are in several regions: the one that answers first. Some nodes of each region are sent
 * a KEEP_ALIVE of no session, which a node answers with GONE whatever its source address (wire README, section 2). That
 * takes one round trip to the nearest node and six bytes a request, and the node keeps no state. A region that is down
 * does not answer, so the next one is found as fast. If no node answers, the random order stays.
 */
import type { Random } from '../../crypto/random.ts'
import type { Address } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import { KIND } from '../../wire/numbers.ts'
import { indexAt, SHORT_BYTES, writeShort } from '../../wire/session.ts'
import type { PeerNode } from './events.ts'

/** A node at one of its addresses. */
export interface Place {
  readonly node: PeerNode
  readonly address: Address
}

/** Sent as often as a SIGN_IN before the next address is tried, but faster: a node that is far loses anyway. */
const WAITS_MS = [250, 250, 250]
/** Time until it is clear that no node answers. */
export const LOOK_MS = WAITS_MS.reduce((sum, wait) => sum + wait)
/** Nodes asked in each region: one alone may be gone, or its datagram lost. */
const ASKED = 2

/** Nodes without a region count as one region. */
export function isInOneRegion(nodes: readonly PeerNode[]): boolean {
  return nodes.every(({ region }) => region === nodes[0]!.region)
}

/** The place that answered, then the others of its region, then the rest, otherwise in the given order. */
export function nearestFirst<P extends Place>(places: readonly P[], answered: Place): readonly P[] {
  const rank = ({ node, address }: P): number => {
    if (address === answered.address) return 0
    return node.region === answered.node.region ? 1 : 2
  }
  return [0, 1, 2].flatMap((wanted) => places.filter((place) => rank(place) === wanted))
}

export class Nearest {
  /** The places by the index in their request. */
  readonly #asked: ReadonlyMap<number, Place>
  #sent = 0
  #dueAt: number

  /** Asks the first `places` of each region. */
  constructor(places: readonly Place[], random: Random, now: number) {
    this.#asked = new Map(someOfEach(places).map((place) => [random.u32(), place]))
    this.#dueAt = now
  }

  /** False when no node has answered. */
  tick(out: Batch, now: number): boolean {
    if (now < this.#dueAt) return true
    const wait = WAITS_MS[this.#sent++]
    if (wait === undefined) return false
    this.#dueAt = now + wait
    for (const [index, { address }] of this.#asked) ask(index, address, out)
    return true
  }

  deadline(): number {
    return this.#dueAt
  }

  /** The place that answers; undefined if the datagram answers none of the requests. */
  take(bytes: Uint8Array): Place | undefined {
    return bytes[1] === KIND.GONE ? this.#asked.get(indexAt(bytes, 0)) : undefined
  }
}

function someOfEach(places: readonly Place[]): Place[] {
  const nodes = new Map<string | undefined, Set<PeerNode>>()
  return places.filter(({ node }) => {
    const chosen = nodes.get(node.region) ?? new Set()
    nodes.set(node.region, chosen)
    if (chosen.size < ASKED) chosen.add(node)
    return chosen.has(node)
  })
}

function ask(index: number, { words }: Address, out: Batch): void {
  const i = out.claim(words, 0, 0)
  writeShort(out.bytes, out.start(i), KIND.KEEP_ALIVE, index)
  out.length[i] = SHORT_BYTES
}
