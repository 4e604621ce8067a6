/**
 * The address that a session sends to. It follows the other side to a new address once that has answered a challenge
 * (`move.ts`). An address that is not validated is sent at most three times what came from it.
 */
import { sameBytes } from '../../crypto/hash.ts'
import type { Random } from '../../crypto/random.ts'
import { ADDRESS_WORDS, sameAddress } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import { FRAME } from '../../wire/numbers.ts'
import type { AddressCredit } from '../address-credit.ts'
import { Move } from './move.ts'
import { type Destination, PacketWriter } from './packet.ts'

/** Address that a session sends to; it changes when the session has moved. */
export interface Placed extends Destination {
  socket: number
}

export class Follower {
  /** Source of the challenges; undefined if the address never changes. */
  readonly #challenges: Random | undefined
  /** Bytes that the address may still be sent; undefined if it is validated. */
  #credit: AddressCredit | undefined
  #move: Move | undefined

  constructor(challenges: Random | undefined, credit: AddressCredit | undefined) {
    this.#challenges = challenges
    this.#credit = credit
  }

  /**
   * A datagram of the session opened, so its present address is validated. Notes the source of the newest datagram so
   * far: a new address starts a move.
   */
  heard(at: Placed, arrived: Batch, i: number, isNewest: boolean, now: number): void {
    this.#credit = undefined
    if (this.#challenges === undefined || !isNewest) return
    if (sameAddress(at.address, at.addressAt, arrived.address, i * ADDRESS_WORDS)) {
      this.#move = undefined
      at.socket = arrived.socket[i]!
      return
    }
    if (this.#move?.isTo(arrived, i) !== true) this.#move = new Move(arrived, i, this.#challenges, now)
    this.#move.credit.received(arrived.length[i]!)
  }

  /** Handles the answer to a challenge: the session moves if it is the right one. True if it moved. */
  answered(at: Placed, token: Uint8Array): boolean {
    const move = this.#move
    if (move === undefined || !sameBytes(token, move.token)) return false
    at.address.set(move.address, at.addressAt)
    at.socket = move.socket
    this.#move = undefined
    return true
  }

  /** Returns a writer to the address or, while the other side moves, to its new address within its credit. */
  packetTo(at: Placed, out: Batch, now: number): PacketWriter {
    if (this.#move !== undefined && now >= this.#move.endAt) this.#move = undefined
    const move = this.#move
    if (move === undefined) return new PacketWriter(at, this.#credit, out, now)
    const { channel, generation, remoteIndex } = at
    const { address, addressAt, socket } = move
    const packet = new PacketWriter(
      { channel, generation, remoteIndex, address, addressAt, socket },
      move.credit,
      out,
      now,
    )
    if (now >= move.challengeAt) {
      move.challenged(now)
      packet.add(FRAME.PATH_CHALLENGE, 0, move.token)
    }
    return packet
  }

  /** True if the address is validated and no move is under way. */
  get isSettled(): boolean {
    return this.#credit === undefined && this.#move === undefined
  }

  deadline(): number {
    return this.#move?.deadline() ?? Number.POSITIVE_INFINITY
  }
}
