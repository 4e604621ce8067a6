import { DIRECTION_MS, grantKey, sealGrant } from '../../crypto/grant.ts'
import type { Random } from '../../crypto/random.ts'
import type { NetworkId, NodeId, PeerId, TunnelId } from '../../ids.ts'
import type { Paths } from '../../paths.ts'
import type { Direction, Leg } from '../../wire/offers.ts'
import type { Wall } from '../wall.ts'
import type { FleetView } from './fleet-view.ts'
import type { PeerSession } from './peer-session.ts'
import type { SessionTable } from './session-table.ts'

const NONCE_BYTES = 24

/** One side of a tunnel, from its own point of view, and the HANDSHAKE that it goes to. */
export interface Side {
  readonly tunnel: TunnelId
  readonly leg: Leg
  readonly other: PeerId
  readonly handshake: NodeId
  /** The paths allowed by the networks that both peers share. */
  readonly paths: Paths
  /** A network that both peers share; known to the node of the offering side only. */
  readonly network?: NetworkId | undefined
}

/** Makes directions to a HANDSHAKE: its addresses, and a grant that admits one side of one tunnel. */
export class Directions {
  /** The key that seals grants. */
  fleetKey: Uint8Array
  readonly #fleet: FleetView
  readonly #random: Random
  readonly #wall: Wall
  readonly #table: SessionTable

  constructor(fleetKey: Uint8Array, table: SessionTable, fleet: FleetView, random: Random, wall: Wall) {
    this.#table = table
    this.fleetKey = fleetKey
    this.#fleet = fleet
    this.#random = random
    this.#wall = wall
  }

  /** Makes the direction for the holder's side; undefined if this node does not know the HANDSHAKE. */
  to({ handshake, ...side }: Side, holder: PeerSession, now: number): Direction | undefined {
    const addresses = this.#fleet.handshakeOf(handshake)
    if (addresses.length === 0) return undefined
    const grant = {
      ...side,
      self: holder.peer,
      user: holder.user,
      from: this.#table.fromOf(holder),
      expiresAt: this.#wall.at(now) + DIRECTION_MS,
    }
    return {
      handshake: addresses,
      key: grantKey(this.fleetKey, 'handshake', grant),
      grant: sealGrant(this.fleetKey, 'handshake', grant, this.#random.bytes(NONCE_BYTES)),
    }
  }
}
