/**
 * Where peers are: asked of the directory, remembered for a short while, asked once however many wait. A peer that is nowhere,
 * invisible, or hidden from the asker is not remembered: it may come at any moment, and nobody can tell them apart. Nor is one that is here.
 */
import type { Asker, Located } from '../../directory.ts'
import type { NodeId, PeerId, UserId } from '../../ids.ts'
import type { Asks } from './asks.ts'

/** Short, as a peer that moved is looked for at its old node until then. */
const REMEMBERED_MS = 15_000
const REMEMBERED = 65_536
/** Every request has been answered, or has failed, by then. */
const IN_TIME_MS = 30_000

/** `undefined`: no such peer. `failed`: the directory did not answer. */
export type Whereabouts = Located | undefined | 'failed'
type Then = (where: Whereabouts, now: number) => void

interface Remembered {
  readonly located: Located
  readonly until: number
  /** To whom it is known not to be hidden; undefined: to nobody. */
  readonly seenBy: Set<PeerId> | undefined
}

interface Waiting {
  readonly asker: Asker
  readonly then: Then
}

export class Locator {
  readonly #node: NodeId
  readonly #asks: Asks
  readonly #known = new Map<PeerId, Remembered>()
  readonly #waiting = new Map<PeerId, Waiting[]>()
  readonly #ofUser = new Map<UserId, Set<PeerId>>()
  /** Users that changed a short while ago, oldest first: what was asked before `moment` may be older. */
  readonly #changed = new Map<UserId, { readonly moment: number; readonly until: number }>()
  #moment = 0

  constructor(node: NodeId, asks: Asks) {
    this.#node = node
    this.#asks = asks
  }

  /** Peers of which something is remembered, and their users. */
  get kept(): { readonly peers: number; readonly users: number } {
    return { peers: this.#known.size, users: this.#ofUser.size }
  }

  /** Calls `then` at once where the answer is remembered. Of a peer that is hidden from the asker nothing is. */
  locate(peer: PeerId, asker: Asker, then: Then, now: number): void {
    const known = this.#known.get(peer)
    const isKnown = known !== undefined && known.until > now && (known.seenBy?.has(asker.peer) ?? true)
    if (isKnown) then(known.located, now)
    else this.#ask(peer, asker, then, now)
  }

  forget(peer: PeerId): void {
    const user = this.#known.get(peer)?.located.user
    this.#known.delete(peer)
    const others = user && this.#ofUser.get(user)
    if (others?.delete(peer) && others.size === 0) this.#ofUser.delete(user!)
  }

  forgetAll(): void {
    this.#known.clear()
    this.#ofUser.clear()
  }

  /** The networks of the user, or whom it blocks, are others now: what is remembered of its peers, or on its way, is old. */
  changed(user: UserId, now: number): void {
    for (const [key, { until }] of this.#changed) {
      if (until > now) break
      this.#changed.delete(key)
    }
    this.#changed.delete(user)
    this.#changed.set(user, { moment: ++this.#moment, until: now + IN_TIME_MS })
    for (const peer of this.#ofUser.get(user) ?? []) this.#known.delete(peer)
    this.#ofUser.delete(user)
  }

  /** Whoever waits with the first is answered with it, unless whoever asks makes a difference. */
  #ask(peer: PeerId, asker: Asker, then: Then, now: number): void {
    const waiting = this.#waiting.get(peer)
    if (waiting !== undefined) {
      waiting.push({ asker, then })
      return
    }
    this.#waiting.set(peer, [])
    const done = (where: Whereabouts, at: number): void => {
      const others = this.#waiting.get(peer) ?? []
      this.#waiting.delete(peer)
      then(where, at)
      for (const other of others) {
        const isSame = !isSelective(where) || other.asker.peer === asker.peer
        if (isSame) other.then(where, at)
        else this.#read(peer, other.asker, other.then, at)
      }
    }
    this.#read(peer, asker, done, now)
  }

  #read(peer: PeerId, asker: Asker, then: Then, now: number): void {
    const moment = this.#moment
    this.#asks.ask(
      { kind: 'locate', peer, asker },
      (reply, at) => {
        if (reply.kind === 'failed') then('failed', at)
        else if (reply.located === undefined) then(undefined, at)
        else if ((this.#changed.get(reply.located.user)?.moment ?? 0) > moment)
          this.#read(peer, asker, then, at)
        else {
          this.#remember(reply.located, asker, at)
          then(reply.located, at)
        }
      },
      now,
    )
  }

  #remember(located: Located, asker: Asker, now: number): void {
    if (located.hidden || located.status === 'invisible') return
    const seenBy = isSelective(located) ? this.#seenBy(located, now).add(asker.peer) : undefined
    this.forget(located.peer)
    if (located.node === undefined || located.node === this.#node) return
    this.#known.set(located.peer, { located, until: now + REMEMBERED_MS, seenBy })
    const peers = this.#ofUser.get(located.user) ?? new Set()
    this.#ofUser.set(located.user, peers.add(located.peer))
    if (this.#known.size > REMEMBERED) this.forget(this.#known.keys().next().value!)
  }

  #seenBy({ peer, blocks, since }: Located, now: number): Set<PeerId> {
    const known = this.#known.get(peer)
    const isSame = known?.located.blocks === blocks && known.located.since === since && known.until > now
    return isSame ? (known.seenBy ?? new Set()) : new Set()
  }
}

/** Its user blocks somebody, so it matters who asks. */
const isSelective = (where: Whereabouts): boolean =>
  where !== undefined && where !== 'failed' && where.blocks > 0
