/**
 * Which networks this node is told of: those that members signed in here are in. A network is joined before the first
 * member's presence is written, so that no change is missed, and left a minute after the last member went.
 */
import type { NetworkId, NodeId } from '../../ids.ts'
import { DelayLine } from '../session/delay-line.ts'
import type { Asks } from './asks.ts'
import type { Roster } from './roster.ts'

const LINGER_MS = 60_000

type Then = (now: number) => void

export class Networks {
  readonly #node: NodeId
  readonly #asks: Asks
  readonly #roster: Roster
  /** Joined ones, and what waits for those that are being joined. */
  readonly #state = new Map<NetworkId, 'joined' | Then[]>()
  readonly #lingering = new DelayLine<NetworkId>(LINGER_MS)

  constructor(node: NodeId, asks: Asks, roster: Roster) {
    this.#node = node
    this.#asks = asks
    this.#roster = roster
  }

  /** `then` is called when this node is told of all of them. */
  join(networks: readonly NetworkId[], then: Then, now: number): void {
    let missing = networks.filter((network) => this.#state.get(network) !== 'joined').length
    if (missing === 0) {
      then(now)
      return
    }
    const joined: Then = (at) => {
      if (--missing === 0) then(at)
    }
    for (const network of networks) this.#join(network, joined, now)
  }

  /** Members have gone; where they were the last, the network is left after a while. */
  left(networks: readonly NetworkId[], now: number): void {
    for (const network of networks) {
      if (this.#roster.inNetwork(network).size === 0) this.#lingering.put(network, now)
    }
  }

  tick(now: number): void {
    for (
      let network = this.#lingering.take(now);
      network !== undefined;
      network = this.#lingering.take(now)
    ) {
      if (this.#state.get(network) === 'joined' && this.#roster.inNetwork(network).size === 0) {
        this.#state.delete(network)
        this.#asks.ask({ kind: 'leaveNetwork', network, node: this.#node }, () => {}, now)
      }
    }
  }

  deadline(): number {
    return this.#lingering.deadline()
  }

  #join(network: NetworkId, joined: Then, now: number): void {
    const state = this.#state.get(network)
    if (state === 'joined') return
    if (state !== undefined) {
      state.push(joined)
      return
    }
    const waiting = [joined]
    this.#state.set(network, waiting)
    const done = (_: unknown, at: number): void => {
      this.#state.set(network, 'joined')
      for (const then of waiting) then(at)
    }
    this.#asks.ask({ kind: 'joinNetwork', network, node: this.#node }, done, now)
  }
}
