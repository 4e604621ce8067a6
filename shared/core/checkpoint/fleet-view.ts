/** The fleet as this node knows it: where other nodes are, and which HANDSHAKE a tunnel goes to. */
import type { FleetItem } from '../../directory.ts'
import type { NodeId, TunnelId } from '../../ids.ts'
import { type Address, parseAddress } from '../../wire/address.ts'
import { Wall } from '../wall.ts'

/** Loads that differ by less are the same load: or every node would send everybody to one. */
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

  /** Whether somebody was looked for, since this was last asked, who is not here: the fleet may have changed. */
  takeMissed(): boolean {
    const missed = this.#missed
    this.#missed = false
    return missed
  }

  /** Where to send NODE datagrams; undefined for a node that is not known, or has no CHECKPOINT. */
  checkpointOf(node: NodeId): Address | undefined {
    return addressesOf(this.#find(node)?.addresses.checkpoint)[0]
  }

  handshakeOf(node: NodeId): readonly Address[] {
    return addressesOf(this.#find(node)?.addresses.handshake)
  }

  /**
   * Among the least loaded of this node's region, always the same one for the same tunnel; of another region where there is
   * none here; undefined when there is none at all.
   */
  handshakeFor(tunnel: TunnelId, now: number): NodeId | undefined {
    const usable = [...this.#nodes.values()].filter(
      (item) =>
        item.roles.includes('handshake') &&
        !item.draining &&
        item.expiresAtSeconds * 1000 > this.#wall.at(now) &&
        addressesOf(item.addresses.handshake).length > 0,
    )
    if (usable.length === 0) this.#missed = true
    const region = this.#nodes.get(this.#own)?.region
    const near = usable.filter((item) => item.region === region)
    const candidates = near.length > 0 ? near : usable
    const least = Math.min(...candidates.map(stepOf))
    const best = candidates.filter((item) => stepOf(item) === least).map(({ node }) => node)
    return best.sort((a, b) => rank(tunnel, a) - rank(tunnel, b))[0]
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

/** FNV-1a over both ids (rendezvous hashing): the choice moves little when nodes come and go. */
function rank(tunnel: TunnelId, node: NodeId): number {
  let hash = 0x811c9dc5
  for (const letter of `${tunnel}/${node}`) {
    hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193)
  }
  return hash >>> 0
}
