/**
 * The peers of a large fleet that do not sign in at a node: they are there from the beginning, in the tables only. Their items
 * are computed from their number, so they take no memory until they change. They fill the tables that are scanned and searched
 * when a node dies.
 */
import type { NetworkId, NodeId, PeerId } from '../../shared/ids.ts'
import type { PresenceItem } from '../../shared/presence.ts'
import type { TableName } from '../../shared/store/tables.ts'
import type { Rows } from './contents.ts'
import type { Item } from './expressions.ts'
import { networkId, networkIndex, seatedNumber, seatedPeer, userOf } from './ids.ts'
import { START } from './nodes.ts'

export interface SeatedOptions {
  /** Numbers of the first of them, and of the one after the last. */
  readonly from: number
  readonly to: number
  readonly networkSize: number
  readonly nodes: readonly NodeId[]
}

export class Seated {
  readonly rows: Partial<Record<TableName, Rows>>
  readonly #options: SeatedOptions

  constructor(options: SeatedOptions) {
    this.#options = options
    this.rows = {
      Presence: {
        get: ({ peer }) => this.#presence(seatedNumber(peer as PeerId)),
        items: () => this.#presences(),
      },
      NetworkNodes: {
        get: ({ network, node }) => this.#nodesOf(network as NetworkId).find((item) => item.node === node),
        items: (network) => (network === undefined ? this.#allNodes() : this.#nodesOf(network as NetworkId)),
      },
    }
  }

  /** Numbers of the peers at a node. */
  *at(node: number): Generator<number> {
    const { from, to, nodes } = this.#options
    for (let number = from; number < to; number++) if (number % nodes.length === node) yield number
  }

  /** The presence of a peer at a node to which it moves. */
  moved(number: number, node: number, now: number) {
    const { peer, user, status, custom, metadata } = this.#presence(number)!
    const at = { since: now, lastSeenAt: now, node: this.#options.nodes[node]! }
    return { peer, user, status, custom, metadata, version: 1, ...at }
  }

  #has(number: number): boolean {
    return number >= this.#options.from && number < this.#options.to
  }

  #presence(number: number | undefined): (PresenceItem & Item) | undefined {
    if (number === undefined || !this.#has(number)) return undefined
    const { networkSize, nodes } = this.#options
    const peer = seatedPeer(number)
    return {
      ...{ peer, user: userOf(peer), node: nodes[number % nodes.length]! },
      networks: [networkId(Math.floor(number / networkSize))],
      ...{ status: 'online', custom: '', metadata: { game: 'chess' } },
      ...{ since: START - 1, version: 1, lastSeenAt: START },
    }
  }

  *#presences(): Generator<Item> {
    for (let number = this.#options.from; number < this.#options.to; number++) yield this.#presence(number)!
  }

  *#allNodes(): Generator<Item> {
    const { from, to, networkSize } = this.#options
    for (let number = from; number < to; number += networkSize)
      yield* this.#nodesOf(networkId(Math.floor(number / networkSize)))
  }

  /** The nodes of a network: those where its members are. */
  #nodesOf(network: NetworkId): Item[] {
    const { to, networkSize, nodes } = this.#options
    const first = networkIndex(network) * networkSize
    if (!this.#has(first)) return []
    const members = Math.min(networkSize, to - first, nodes.length)
    return Array.from({ length: members }, (_, i) => ({
      ...{ network, node: nodes[(first + i) % nodes.length]!, joined: 'from the beginning' },
    }))
  }
}
