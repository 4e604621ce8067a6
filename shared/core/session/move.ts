/**
 * A datagram of a session came from a new address, so the other side has moved, or somebody forged the source. Until the
 * new address has answered a challenge (RFC 9000, sections 8.2 and 9.3) it is sent at most three times what came from it,
 * and the old one stays the session's. An address that answers nothing for VALIDATE_MS is given up.
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
  /** What the new address has to send back. */
  readonly token: Uint8Array
  readonly endAt: number
  /** When the challenge leaves (again). */
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
