/**
 * Where peers are: asked of the directory, remembered for a short while, asked once however many wait. Who is nowhere is not
 * remembered: it may come at any moment. What the directory says of the networks of a peer at another node may be older than
 * what the streams have told here: who left one has left.
 */
import type { Located } from '../../directory.ts'
import type { NetworkId, PeerId, UserId } from '../../ids.ts'
import type { Asks } from './asks.ts'

/** Short, as a peer that moved is looked for at its old node until then. */
const REMEMBERED_MS = 15_000
const REMEMBERED = 65_536
/** The other node has long written by then, and what was read before is forgotten. */
const LEFT_MS = 2 * REMEMBERED_MS

/** `undefined`: no such peer. `failed`: the directory did not answer. */
export type Whereabouts = Located | undefined | 'failed'
type Then = (where: Whereabouts, now: number) => void

export class Locator {
  readonly #asks: Asks
  readonly #known = new Map<PeerId, { readonly located: Located; readonly until: number }>()
  readonly #waiting = new Map<PeerId, Then[]>()
  /** Users that left a network a short while ago, oldest first: `user network`, and until when that is remembered. */
  readonly #left = new Map<string, number>()

  constructor(asks: Asks) {
    this.#asks = asks
  }

  /** Calls `then` at once where the answer is remembered. */
  locate(peer: PeerId, then: Then, now: number): void {
    const known = this.#known.get(peer)
    if (known !== undefined && known.until > now) then(this.#corrected(known.located), now)
    else this.#ask(peer, then, now)
  }

  forget(peer: PeerId): void {
    this.#known.delete(peer)
  }

  left(user: UserId, network: NetworkId, now: number): void {
    for (const [key, until] of this.#left) {
      if (until > now) break
      this.#left.delete(key)
    }
    this.joined(user, network)
    this.#left.set(keyOf(user, network), now + LEFT_MS)
  }

  joined(user: UserId, network: NetworkId): void {
    this.#left.delete(keyOf(user, network))
  }

  #ask(peer: PeerId, then: Then, now: number): void {
    const waiting = this.#waiting.get(peer)
    if (waiting !== undefined) {
      waiting.push(then)
      return
    }
    this.#waiting.set(peer, [then])
    const done = (where: Whereabouts, at: number): void => {
      const others = this.#waiting.get(peer) ?? []
      this.#waiting.delete(peer)
      const isKnown = where !== undefined && where !== 'failed'
      if (isKnown) this.#remember(where, at)
      for (const each of others) each(isKnown ? this.#corrected(where) : where, at)
    }
    this.#asks.ask(
      { kind: 'locate', peer },
      (reply, at) => done(reply.kind === 'failed' ? 'failed' : reply.located, at),
      now,
    )
  }

  #corrected(located: Located): Located {
    const { user, networks } = located
    const hasLeft = (network: NetworkId) => this.#left.has(keyOf(user, network))
    return networks.some(hasLeft)
      ? { ...located, networks: networks.filter((network) => !hasLeft(network)) }
      : located
  }

  #remember(located: Located, now: number): void {
    this.#known.delete(located.peer)
    if (located.node === undefined) return
    this.#known.set(located.peer, { located, until: now + REMEMBERED_MS })
    if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.keys().next().value!)
  }
}

const keyOf = (user: UserId, network: NetworkId): string => `${user} ${network}`
