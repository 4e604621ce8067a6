/**
 * Locates peers through the directory. Answers are remembered for a short time, and concurrent requests for one peer share one
 * look-up. Not remembered are:
 *
 *   - peers that are offline, invisible or hidden from the asker. They may appear at any moment, and caching only some of them
 *     would let askers tell these cases apart;
 *   - peers at this node.
 */
import type { Asker, Located } from '../../directory.ts'
import type { NodeId, PeerId, UserId } from '../../ids.ts'
import type { Asks } from './asks.ts'

/** Short, because until then a peer that has moved is looked for at its old node. */
const REMEMBERED_MS = 15_000
const REMEMBERED = 65_536
/** Time within which every request has been answered or has failed. */
const IN_TIME_MS = 30_000

/** The location of a peer. `undefined`: no such peer. `failed`: the directory did not answer. */
export type Whereabouts = Located | undefined | 'failed'
type Then = (where: Whereabouts, now: number) => void

interface Remembered {
  readonly located: Located
  readonly until: number
  /** Askers that are known not to be blocked; undefined if the peer's user blocks nobody, so that the answer is for all. */
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
  /** Users that changed recently, oldest first. The answer to a request made before `moment` may be out of date. */
  readonly #changed = new Map<UserId, { readonly moment: number; readonly until: number }>()
  #moment = 0

  constructor(node: NodeId, asks: Asks) {
    this.#node = node
    this.#asks = asks
  }

  /** Number of remembered peers, and of their users. */
  get kept(): { readonly peers: number; readonly users: number } {
    return { peers: this.#known.size, users: this.#ofUser.size }
  }

  /** Locates a peer. Calls `then` immediately if the answer is remembered and valid for this asker. */
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

  /** Call when a user's networks or block list changed. Remembered answers about its peers and answers in transit are void. */
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

  /** Shares one look-up among concurrent askers. If the answer depends on the asker, the others are looked up separately. */
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

/** Whether the answer depends on the asker, because the peer's user blocks somebody. */
const isSelective = (where: Whereabouts): boolean =>
  where !== undefined && where !== 'failed' && where.blocks > 0
