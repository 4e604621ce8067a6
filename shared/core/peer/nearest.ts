/**
 * Where nodes are in several regions, a peer signs in where it is near, and nearness is who answers first: some nodes of each
 * region are sent a KEEP_ALIVE of no session, which a node answers with GONE wherever it comes from (wire README, section 2).
 * That costs one round trip to the nearest, six bytes a question, and nothing is kept at the node. A region that is down does
 * not answer, so the next one is found as fast; where nobody answers, the order stays as it was drawn.
 */
import type { Random } from '../../crypto/random.ts'
import type { Address } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import { KIND } from '../../wire/numbers.ts'
import { indexAt, SHORT_BYTES, writeShort } from '../../wire/session.ts'
import type { PeerNode } from './events.ts'

/** A node, at one of its addresses. */
export interface Place {
  readonly node: PeerNode
  readonly address: Address
}

/** As often as a SIGN_IN is sent before the next address is tried, and faster: who is far loses anyhow. */
const WAITS_MS = [250, 250, 250]
/** What nobody answering costs. */
export const LOOK_MS = WAITS_MS.reduce((sum, wait) => sum + wait)
/** Of each region: one alone may be gone, or its datagram lost. */
const ASKED = 2

/** Nodes that name no region are in one together. */
export function isInOneRegion(nodes: readonly PeerNode[]): boolean {
  return nodes.every(({ region }) => region === nodes[0]!.region)
}

/** Who answered, what else is in its region, and all others behind; otherwise in the order given. */
export function nearestFirst<P extends Place>(places: readonly P[], answered: Place): readonly P[] {
  const rank = ({ node, address }: P): number => {
    if (address === answered.address) return 0
    return node.region === answered.node.region ? 1 : 2
  }
  return [0, 1, 2].flatMap((wanted) => places.filter((place) => rank(place) === wanted))
}

export class Nearest {
  /** What each question is known by. */
  readonly #asked: ReadonlyMap<number, Place>
  #sent = 0
  #dueAt: number

  /** Of each region the first of `places` are asked. */
  constructor(places: readonly Place[], random: Random, now: number) {
    this.#asked = new Map(someOfEach(places).map((place) => [random.u32(), place]))
    this.#dueAt = now
  }

  /** False when nobody answered. */
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

  /** Who it is that answers; undefined where it is no answer to what was asked. */
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
