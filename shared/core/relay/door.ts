import type { FleetKeys } from '../../crypto/fleet.ts'
import { type OpenedGrant, openGrant } from '../../crypto/grant.ts'
import type { Random } from '../../crypto/random.ts'
import type { RelayClaim } from '../../wire/relay.ts'
import { RateLimit } from '../stun/rate-limit.ts'
import { isClaimGood } from './claim.ts'

/** A peer binds often while it roams, and many peers share an address; opening a grant costs tens of microseconds. */
const CLAIMS_PER_SECOND = 20
const CLAIM_BURST = 200

export type Refusal = 'limited' | 'grant' | 'mac'

/** Tells who may claim a leg: whoever was given a grant of this fleet and its key. Asks nobody and stores nothing. */
export class Door {
  #fleetKeys: FleetKeys
  readonly #limit: RateLimit

  constructor(fleetKeys: FleetKeys, random: Random) {
    this.#fleetKeys = fleetKeys
    this.#limit = new RateLimit({ low: random.u32(), high: random.u32() }, CLAIMS_PER_SECOND, CLAIM_BURST)
  }

  setFleetKeys(fleetKeys: FleetKeys): void {
    this.#fleetKeys = fleetKeys
  }

  open(claim: RelayClaim, words: Uint32Array, wordsAt: number, now: number): OpenedGrant | Refusal {
    if (!this.#limit.take(words, wordsAt, now)) return 'limited'
    const grant = openGrant(this.#fleetKeys, 'relay', claim.grant)
    if (grant === undefined) return 'grant'
    return isClaimGood(claim, grant.key) ? grant : 'mac'
  }
}
