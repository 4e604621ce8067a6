/**
 * Names a relay to each side of a pair. A pair for which there is none waits for the next list of the fleet.
 *
 * A side that has joined is told while the other side joins, so that it binds its leg meanwhile. The offering side joins
 * before the other has decided; it is told only after the other has joined too, so an unanswered offer uses no relay.
 */
import type { Random } from '../../crypto/random.ts'
import type { FleetItem } from '../../directory.ts'
import type { NodeId } from '../../ids.ts'
import { encodeRelayed } from '../../wire/handshake.ts'
import { FRAME } from '../../wire/numbers.ts'
import type { Pair } from './pair.ts'
import { SIDES, type Side } from './pairs.ts'
import { inviteToRelay, type Relay, relaysOf } from './relays.ts'

export interface InvitationsOptions {
  readonly node: NodeId
  readonly random: Random
  /** The key that seals grants now. */
  readonly fleetKey: () => Uint8Array
  /** Wall clock at a time of the machine. */
  readonly wallAt: (now: number) => number
  /** Called when a pair finds no relay: once for each pair between two lists of the fleet. */
  readonly missing: () => void
}

export class Invitations {
  readonly #options: InvitationsOptions
  /** Pairs with a side that waits for a relay. */
  readonly #waiting = new Set<Pair>()
  #relays: readonly Relay[] = []

  constructor(options: InvitationsOptions) {
    this.#options = options
  }

  /** Sets the fleet. Returns the pairs that waited for a relay. */
  setFleet(items: readonly FleetItem[]): readonly Pair[] {
    this.#relays = relaysOf(items, this.#options.node)
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    return waiting
  }

  /** Names a relay to the sides that have joined and know none. */
  invite(pair: Pair, now: number): void {
    if (pair.isWanted) for (const side of SIDES) this.#tell(pair, side, now)
  }

  forget(pair: Pair): void {
    this.#waiting.delete(pair)
  }

  #tell(pair: Pair, side: Side, now: number): void {
    const { fleetKey, random, wallAt } = this.#options
    const leg = pair.legs[side]
    if (leg?.session === undefined || !leg.joined || leg.relayed || leg.profile.paths === 'direct-only')
      return
    const relay = pair.relayFrom(this.#relays, now)
    const relayed = relay && inviteToRelay(relay, leg, pair.network, fleetKey(), random, wallAt(now))
    if (relayed === undefined) this.#miss(pair)
    else leg.relayed = leg.session.send(FRAME.RELAYED, encodeRelayed(relayed))
  }

  #miss(pair: Pair): void {
    if (this.#waiting.has(pair)) return
    this.#waiting.add(pair)
    this.#options.missing()
  }
}
