/** The addresses at which this peer can sign in, in the order in which they are tried. */
import type { Random } from '../../crypto/random.ts'
import type { Address } from '../../wire/address.ts'
import { canReach } from '../families.ts'
import type { PeerNode } from './events.ts'
import { isInOneRegion, type Place } from './nearest.ts'

export class Places {
  nodes: readonly PeerNode[] = []
  /** Addresses of this host, without a port. */
  ips: readonly Address[] = []

  get isEmpty(): boolean {
    return this.nodes.length === 0
  }

  get areInOneRegion(): boolean {
    return isInOneRegion(this.nodes)
  }

  /** True if this host has an address of the family of `words`. */
  canReach(words: Uint32Array, at = 0): boolean {
    return canReach(this.ips, words, at)
  }

  /** Every address of every node. The nodes are in random order, and addresses of a family that this host lacks are last. */
  drawn(random: Random): readonly Place[] {
    const drawn = this.nodes.map((node) => ({ node, lot: random.u32() })).sort((a, b) => a.lot - b.lot)
    const places = drawn.flatMap(({ node }) => node.addresses.map((address) => ({ node, address })))
    const isInReach = ({ address }: Place) => this.canReach(address.words)
    return [...places.filter(isInReach), ...places.filter((place) => !isInReach(place))]
  }
}
