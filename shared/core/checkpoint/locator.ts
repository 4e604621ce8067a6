/** Where peers are: asked of the directory, remembered for a short while, asked once however many wait. */
import type { Located } from '../../directory.ts'
import type { PeerId } from '../../ids.ts'
import type { Asks } from './asks.ts'

/** Short, as a peer that moved is looked for at its old node until then. */
const REMEMBERED_MS = 15_000
const REMEMBERED = 65_536

/** `undefined`: no such peer. `failed`: the directory did not answer. */
export type Whereabouts = Located | undefined | 'failed'
type Then = (where: Whereabouts, now: number) => void

export class Locator {
  readonly #asks: Asks
  readonly #known = new Map<PeerId, { readonly located: Located; readonly until: number }>()
  readonly #waiting = new Map<PeerId, Then[]>()

  constructor(asks: Asks) {
    this.#asks = asks
  }

  /** Calls `then` at once where the answer is remembered. */
  locate(peer: PeerId, then: Then, now: number): void {
    const known = this.#known.get(peer)
    if (known !== undefined && known.until > now) then(known.located, now)
    else this.#ask(peer, then, now)
  }

  forget(peer: PeerId): void {
    this.#known.delete(peer)
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
      if (where !== undefined && where !== 'failed') this.#remember(where, at)
      for (const each of others) each(where, at)
    }
    this.#asks.ask(
      { kind: 'locate', peer },
      (reply, at) => done(reply.kind === 'failed' ? 'failed' : reply.located, at),
      now,
    )
  }

  #remember(located: Located, now: number): void {
    this.#known.delete(located.peer)
    this.#known.set(located.peer, { located, until: now + REMEMBERED_MS })
    if (this.#known.size > REMEMBERED) this.#known.delete(this.#known.keys().next().value!)
  }
}
