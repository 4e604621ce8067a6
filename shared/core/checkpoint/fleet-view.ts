/** The fleet as this node knows it: the addresses of other nodes, and the choice of a HANDSHAKE for a tunnel. */
import type { FleetItem } from '../../directory.ts'
import type { NodeId, TunnelId } from '../../ids.ts'
import { type Address, parseAddress } from '../../wire/address.ts'
import { Wall } from '../wall.ts'

/** Loads are compared in steps of this size. Otherwise every node would send all tunnels to the same HANDSHAKE. */
const LOAD_STEP = 0.25

export class FleetView {
  readonly #own: NodeId
  readonly #wall: Wall
  #nodes = new Map<NodeId, FleetItem>()
  #missed = false

  constructor(own: NodeId, wall: Wall = new Wall()) {
    this.#own = own
    this.#wall = wall
  }

  setAll(nodes: readonly FleetItem[]): void {
    this.#nodes = new Map(nodes.map((item) => [item.node, item]))
  }

  set(item: FleetItem): void {
    this.#nodes.set(item.node, item)
  }

  /** True if a look-up has failed since the last call. The fleet may then have changed. */
  takeMissed(): boolean {
    const missed = this.#missed
    this.#missed = false
    return missed
  }

  /** True if the fleet has the node and its lease has not ended. */
  isAlive(node: NodeId, now: number): boolean {
    return (this.#nodes.get(node)?.expiresAtSeconds ?? 0) * 1000 > this.#wall.at(now)
  }

  /** The address for NODE datagrams; undefined if the node is unknown or has no CHECKPOINT. */
  checkpointOf(node: NodeId): Address | undefined {
    return addressesOf(this.#find(node)?.addresses.checkpoint)[0]
  }

  handshakeOf(node: NodeId): readonly Address[] {
    return addressesOf(this.#find(node)?.addresses.handshake)
  }

  /**
   * Chooses the HANDSHAKE for a tunnel among the least loaded ones in this node's region, or in any region if this one has none.
   * The same tunnel always gets the same HANDSHAKE. Undefined if there is none at all. `after`: the one that brought nothing
   * to the tunnel; the next one is chosen, if necessary a fuller or farther one. A dead node keeps its lease for a while, so this may be
   * necessary more than once.
   */
  handshakeFor(tunnel: TunnelId, now: number, after?: NodeId): NodeId | undefined {
    const usable = [...this.#nodes.values()].filter(
      (item) =>
        item.roles.includes('handshake') &&
        !item.draining &&
        this.isAlive(item.node, now) &&
        addressesOf(item.addresses.handshake).length > 0,
    )
    if (usable.length === 0) this.#missed = true
    const order = this.#inOrderOf(tunnel, usable)
    const last = after === undefined ? -1 : order.indexOf(after)
    return order[(last + 1) % order.length]
  }

  /** Sorts by region, load and rank for the tunnel. */
  #inOrderOf(tunnel: TunnelId, items: readonly FleetItem[]): NodeId[] {
    const region = this.#nodes.get(this.#own)?.region
    const keyed = items.map((item) => ({
      node: item.node,
      key: [item.region === region ? 0 : 1, stepOf(item), rank(tunnel, item.node)] as const,
    }))
    keyed.sort(({ key: a }, { key: b }) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2])
    return keyed.map(({ node }) => node)
  }

  #find(node: NodeId): FleetItem | undefined {
    const item = this.#nodes.get(node)
    if (item === undefined) this.#missed = true
    return item
  }
}

const stepOf = ({ load }: FleetItem): number => Math.floor(load / LOAD_STEP)

function addressesOf(texts: readonly string[] | undefined): readonly Address[] {
  return (texts ?? []).map(parseAddress).filter((address) => address !== undefined)
}

/** Rank of a node for a tunnel: FNV-1a over both ids. Rendezvous hashing changes few choices when nodes come and go. */
function rank(tunnel: TunnelId, node: NodeId): number {
  let hash = 0x811c9dc5
  for (const letter of `${tunnel}/${node}`) {
    hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193)
  }
  return hash >>> 0
}
