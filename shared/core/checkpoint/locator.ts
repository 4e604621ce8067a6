/**
 * Locates peers through the directory. Answers are remembered, and concurrent requests for one peer share one look-up. Not
 * remembered are:
 *
 *   - peers that are offline, invisible or hidden from the asker. They may appear at any moment, and caching only some of them
 *     would let askers tell these cases apart;
 *   - peers at this node.
 *
 * While changes are pushed to this node they void what they concern, so an answer is remembered for LASTING_MS after it was
 * last confirmed: by a message from the peer's node, or by a receipt of that node. Otherwise it is remembered for
 * REMEMBERED_MS. A peer that has moved costs one message to its old node, which reports that the peer is not there. Offers and
 * receipts, which are not repeated to another node, rely on answers of the last REMEMBERED_MS only.
 *
 * A node that forwards a message tells where its sender is (`learn`). This answer is partial: it names one network only.
 */
import type { Asker, Located } from '../../directory.ts'
import type { NetworkId, NodeId, PeerId, UserId } from '../../ids.ts'
import type { Asks } from './asks.ts'

/** Short, because changes may be missed. */
const REMEMBERED_MS = 15_000
const LASTING_MS = 300_000
const REMEMBERED = 65_536
/** Time within which every request has been answered or has failed. */
const IN_TIME_MS = 30_000

/** The location of a peer. `undefined`: no such peer. `failed`: the directory did not answer. */
export type Whereabouts = Located | undefined | 'failed'
type Then = (where: Whereabouts, now: number) => void

interface Remembered {
  readonly located: Located
  /** Time at which the answer was made or last confirmed. */
  at: number
  /** True if the answer names only one of the peer's networks. */
  readonly isPartial: boolean
  /** Askers that are known not to be blocked; undefined if the peer's user blocks nobody, so that the answer is for all. */
  readonly seenBy: Set<PeerId> | undefined
}

/** The place of a peer, as told by its node: the peer blocks nobody, and is not invisible. */
export interface Told {
  readonly peer: PeerId
  readonly user: UserId
  readonly node: NodeId
  /** A network that the peer shares with the recipient of its message; undefined if both belong to one user. */
  readonly network: NetworkId | undefined
}

interface Waiting {
  readonly asker: Asker
  readonly then: Then
}

export class Locator {
  readonly #node: NodeId
  readonly #asks: Asks
  readonly #isAlive: (node: NodeId, now: number) => boolean
  readonly #known = new Map<PeerId, Remembered>()
  readonly #waiting = new Map<PeerId, Waiting[]>()
  readonly #ofUser = new Map<UserId, Set<PeerId>>()
  /** Users that changed recently, oldest first. The answer to a request made before `moment` may be out of date. */
  readonly #changed = new Map<UserId, { readonly moment: number; readonly until: number }>()
  #moment = 0
  /** Nodes that did not answer, and when. What was remembered of their peers before is void. */
  readonly #silent = new Map<NodeId, number>()
  /** True if changes are pushed to this node. */
  #isTold = false

  /** `isAlive`: whether the fleet has the node. Nothing is remembered of the peers at a node that is gone. Default: always. */
  constructor(node: NodeId, asks: Asks, isAlive: (node: NodeId, now: number) => boolean = () => true) {
    this.#node = node
    this.#asks = asks
    this.#isAlive = isAlive
  }

  /** Number of remembered peers, and of their users. */
  get kept(): { readonly peers: number; readonly users: number } {
    return { peers: this.#known.size, users: this.#ofUser.size }
  }

  /**
   * Locates a peer. Calls `then` immediately if the answer is remembered and valid for this asker. Only a caller that notices a
   * wrong place, and looks again, gives `suffices`: whether a partial answer suffices. For others answers of the last
   * REMEMBERED_MS count, and no partial ones.
   */
  locate(
    peer: PeerId,
    asker: Asker,
    then: Then,
    now: number,
    suffices?: (partial: Located) => boolean,
  ): void {
    const known = this.#valid(peer, now)
    const isKnown =
      known !== undefined &&
      (known.seenBy?.has(asker.peer) ?? true) &&
      (suffices === undefined
        ? !known.isPartial && now - known.at < REMEMBERED_MS
        : !known.isPartial || suffices(known.located))
    if (isKnown) then(known.located, now)
    else this.#ask(peer, asker, then, now)
  }

  /** Call when a node has told the place of a peer there. Not remembered if the peer's user has just changed. */
  learn({ peer, user, node, network }: Told, now: number): void {
    const known = this.#valid(peer, now)
    if (known?.located.node === node && !known.isPartial) known.at = now
    else if ((this.#changed.get(user)?.until ?? now) <= now && node !== this.#node) {
      const networks = network === undefined ? [] : [network]
      const located = {
        peer,
        user,
        node,
        since: 0,
        status: 'online',
        networks,
        blocks: 0,
        hidden: false,
      } as const
      this.#keep({ located, at: now, isPartial: true, seenBy: undefined })
    }
  }

  /** Call when a node has confirmed that a peer is there. */
  confirm(peer: PeerId, node: NodeId, now: number): void {
    const known = this.#valid(peer, now)
    if (known?.located.node === node) known.at = now
  }

  /** Call when a node did not answer. Its peers are looked up again. */
  silent(node: NodeId, now: number): void {
    this.#silent.set(node, now)
  }

  /** Call when changes are no longer pushed to this node. */
  lost(): void {
    this.#isTold = false
  }

  /** Call when changes are pushed to this node again. */
  back(): void {
    this.#isTold = true
    this.#known.clear()
    this.#ofUser.clear()
    this.#silent.clear()
  }

  forget(peer: PeerId): void {
    const user = this.#known.get(peer)?.located.user
    this.#known.delete(peer)
    const others = user && this.#ofUser.get(user)
    if (others?.delete(peer) && others.size === 0) this.#ofUser.delete(user!)
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
    this.#keep({ located, at: now, isPartial: false, seenBy })
  }

  #keep(remembered: Remembered): void {
    const { peer, user } = remembered.located
    this.forget(peer)
    this.#known.set(peer, remembered)
    const peers = this.#ofUser.get(user) ?? new Set()
    this.#ofUser.set(user, peers.add(peer))
    if (this.#known.size > REMEMBERED) this.forget(this.#known.keys().next().value!)
  }

  #valid(peer: PeerId, now: number): Remembered | undefined {
    const known = this.#known.get(peer)
    const node = known?.located.node
    if (known === undefined || node === undefined) return undefined
    const isFresh = now - known.at < (this.#isTold ? LASTING_MS : REMEMBERED_MS)
    const isSilent = known.at <= (this.#silent.get(node) ?? Number.NEGATIVE_INFINITY)
    return isFresh && !isSilent && this.#isAlive(node, now) ? known : undefined
  }

  #seenBy({ peer, blocks, since }: Located, now: number): Set<PeerId> {
    const known = this.#valid(peer, now)
    const isSame = known?.located.blocks === blocks && known.located.since === since
    return isSame ? (known.seenBy ?? new Set()) : new Set()
  }
}

/** True if the answer depends on the asker, because the peer's user blocks somebody. */
const isSelective = (where: Whereabouts): boolean =>
  where !== undefined && where !== 'failed' && where.blocks > 0
