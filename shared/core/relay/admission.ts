import type { FleetKeys } from '../../crypto/fleet.ts'
import { type OpenedGrant, openGrant } from '../../crypto/grant.ts'
import type { Random } from '../../crypto/random.ts'
import { sameIp } from '../../wire/address.ts'
import type { RelayClaim } from '../../wire/relay.ts'
import { RateLimit } from '../rate-limit.ts'
import type { Bindings } from './bindings.ts'
import { isClaimGood } from './claim.ts'
import type { ClaimRefusal } from './relay-counters.ts'
import type { Tunnels } from './tunnels.ts'

/** A peer claims often while it roams, and many peers share an address; opening a grant costs tens of microseconds. */
const CLAIMS_PER_SECOND = 20
const CLAIM_BURST = 200

export interface Admitted {
  readonly leg: number
  /** The HANDSHAKE has seen its peer at this very IP. */
  readonly isBelieved: boolean
}

/** Tells whose leg a claim is and whether it may be had: by what the fleet sealed, and by nothing else. */
export class Admission {
  #fleetKeys: FleetKeys
  /** No leg is made any more; those there are may move and go. */
  closed = false
  readonly #tunnels: Tunnels
  readonly #bindings: Bindings
  readonly #limit: RateLimit
  readonly #isBusy = (leg: number) => !this.#bindings.isFree(leg)

  constructor(fleetKeys: FleetKeys, tunnels: Tunnels, bindings: Bindings, random: Random) {
    this.#fleetKeys = fleetKeys
    this.#tunnels = tunnels
    this.#bindings = bindings
    this.#limit = new RateLimit({ low: random.u32(), high: random.u32() }, CLAIMS_PER_SECOND, CLAIM_BURST)
  }

  setFleetKeys(fleetKeys: FleetKeys): void {
    this.#fleetKeys = fleetKeys
  }

  /** The leg that a BIND may have; its stamp is from now on the last. */
  bind(claim: RelayClaim, words: Uint32Array, at: number, now: number): Admitted | ClaimRefusal {
    const grant = this.#open(claim, words, at, now)
    if (typeof grant === 'string') return grant
    const known = this.#tunnels.legOf(grant)
    if (known >= 0 && !this.#isNew(claim, known, words, at)) return 'stamp'
    const leg = known >= 0 && this.#isBusy(known) ? known : this.#make(grant, known, now)
    if (typeof leg === 'string') return leg
    this.#tunnels.setStamp(leg, claim.stamp)
    return { leg, isBelieved: sameIp(grant.from.words, 0, words, at) }
  }

  /** The leg that a RELEASE gives up. */
  release(claim: RelayClaim, words: Uint32Array, at: number, now: number): number | ClaimRefusal {
    const grant = this.#open(claim, words, at, now)
    if (typeof grant === 'string') return grant
    const leg = this.#tunnels.legOf(grant)
    if (leg < 0 || claim.stamp <= this.#tunnels.stampOf(leg)) return 'stamp'
    this.#tunnels.setStamp(leg, claim.stamp)
    return leg
  }

  /** Makes room for what may still come. */
  forget(now: number): void {
    this.#tunnels.forget(now, this.#isBusy)
  }

  #open(claim: RelayClaim, words: Uint32Array, at: number, now: number): OpenedGrant | ClaimRefusal {
    if (!this.#limit.take(words, at, now)) return 'limited'
    const grant = openGrant(this.#fleetKeys, 'relay', claim.grant)
    if (grant === undefined) return 'grant'
    return isClaimGood(claim, grant.key) ? grant : 'mac'
  }

  #make(grant: OpenedGrant, known: number, now: number): number | ClaimRefusal {
    if (now >= grant.expiresAt) return 'expired'
    if (this.closed) return 'draining'
    const leg = known >= 0 ? known : this.#tunnels.admit(grant, this.#isBusy)
    return leg >= 0 ? leg : 'full'
  }

  /** A datagram that the network doubled is answered again, where the leg is. */
  #isNew({ stamp }: RelayClaim, leg: number, words: Uint32Array, at: number): boolean {
    const last = this.#tunnels.stampOf(leg)
    return stamp > last || (stamp === last && this.#bindings.isAt(leg, words, at))
  }
}
