import { ReplayWindow, WINDOW } from '../../crypto/replay-window.ts'
import type { NodeId } from '../../ids.ts'
import type { NodeHeader } from '../../wire/node.ts'

const FRESH_MS = 30_000
/** More nodes than any fleet has. */
const NODES = 4096
/** What a ReplayWindow counts up to. */
const SPAN = 2 ** 31

/**
 * Which NODE datagrams came before. A node that started again counts from further up, and then its old ones are dead. When
 * a window is full the next one begins above it, so that what was read in the last one is not read again.
 */
export class NodeReplay {
  readonly #seen = new Map<NodeId, { readonly base: number; readonly window: ReplayWindow }>()

  /** True once for each datagram, while it is fresh. */
  accept({ node, sentAt, counter }: NodeHeader, now: number): boolean {
    if (Math.abs(now - sentAt) > FRESH_MS) return false
    const { base, window } = this.#windowFor(node, counter)
    if (counter < base || !window.isFresh(counter - base)) return false
    window.mark(counter - base)
    return true
  }

  #windowFor(node: NodeId, counter: number): { readonly base: number; readonly window: ReplayWindow } {
    const known = this.#seen.get(node)
    if (known !== undefined && counter - known.base < SPAN) return known
    const base = known === undefined ? Math.max(0, counter - WINDOW) : counter
    const begun = { base, window: new ReplayWindow() }
    this.#seen.delete(node)
    this.#seen.set(node, begun)
    if (this.#seen.size > NODES) this.#seen.delete(this.#seen.keys().next().value!)
    return begun
  }
}
