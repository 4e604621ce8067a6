import type { NodeId } from '../../ids.ts'
import type { NodeHeader } from '../../wire/node.ts'
import { CounterReplay } from '../counter-replay.ts'
import type { Wall } from '../wall.ts'

const FRESH_MS = 30_000
/** Maximum number of remembered nodes: more than any fleet has. */
const NODES = 4096

/** Detects replayed NODE datagrams. A restarted node counts from a higher value, which makes its older datagrams void. */
export class NodeReplay {
  readonly #seen = new Map<NodeId, CounterReplay>()

  /** Returns true once for each datagram while it is fresh. */
  accept({ node, sentAt, counter }: NodeHeader, now: number, wall: Wall): boolean {
    return Math.abs(wall.at(now) - sentAt) <= FRESH_MS && this.#of(node).accept(counter, now)
  }

  #of(node: NodeId): CounterReplay {
    const known = this.#seen.get(node)
    if (known !== undefined) return known
    const begun = new CounterReplay()
    this.#seen.set(node, begun)
    if (this.#seen.size > NODES) this.#seen.delete(this.#seen.keys().next().value!)
    return begun
  }
}
