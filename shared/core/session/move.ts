/**
 * A session's move to a new address. It begins when a datagram of the session comes from a new address: the other side has
 * moved, or somebody forged the source. The session keeps the old address until the new one has answered a challenge (RFC 9000,
 * sections 8.2 and 9.3). Until then the new address is sent at most three times what came from it. A move is abandoned if the
 * new address does not answer within VALIDATE_MS.
 */
import type { Random } from '../../crypto/random.ts'
import { ADDRESS_WORDS, sameAddress } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import { CHALLENGE_BYTES } from '../../wire/session.ts'
import { AddressCredit } from '../address-credit.ts'

const REPEAT_MS = 250
const VALIDATE_MS = 3000

export class Move {
  readonly address: Uint32Array
  readonly addressAt = 0
  readonly socket: number
  readonly credit = new AddressCredit()
  /** The challenge that the new address has to send back. */
  readonly token: Uint8Array
  readonly endAt: number
  /** Time at which the challenge is next sent. */
  challengeAt: number

  constructor(arrived: Batch, i: number, random: Random, now: number) {
    this.address = arrived.address.slice(i * ADDRESS_WORDS, (i + 1) * ADDRESS_WORDS)
    this.socket = arrived.socket[i]!
    this.token = random.bytes(CHALLENGE_BYTES)
    this.endAt = now + VALIDATE_MS
    this.challengeAt = now
  }

  isTo(arrived: Batch, i: number): boolean {
    return sameAddress(this.address, 0, arrived.address, i * ADDRESS_WORDS)
  }

  challenged(now: number): void {
    this.challengeAt = now + REPEAT_MS
  }

  deadline(): number {
    return Math.min(this.challengeAt, this.endAt)
  }
}
