import type { FleetKeys } from '../../crypto/fleet.ts'
import { type OpenedGrant, openGrant } from '../../crypto/grant.ts'
import type { Random } from '../../crypto/random.ts'
import { sameIp } from '../../wire/address.ts'
import type { RelayClaim } from '../../wire/relay.ts'
import { ProvenLimit } from '../proven-limit.ts'
import type { Wall } from '../wall.ts'
import type { Bindings } from './bindings.ts'
import { isClaimGood } from './claim.ts'
import type { Quota } from './quota.ts'
import type { ClaimRefusal } from './relay-counters.ts'
import type { Tunnels } from './tunnels.ts'

/** A roaming peer sends claims often, for each of its tunnels. */
const CLAIMS_PER_SECOND = 20
const CLAIM_BURST = 200
/** Opening a junk grant costs about 10 us, so this is a third of a core. Above it, random claims are lost and retransmitted. */
const OPENED_PER_SECOND = 30_000

export interface Admitted {
  readonly leg: number
  /** True if the HANDSHAKE has seen the peer at this IP. */
  readonly isBelieved: boolean
}

export interface AdmissionParts {
  readonly tunnels: Tunnels
  readonly bindings: Bindings
  readonly quota: Quota
  readonly wall: Wall
}

/**
 * Decides which leg a claim is for, and whether it is granted. The decision relies only on what the fleet sealed.
 *
 * A claim is opened first. Only a claim that proves to be the peer's own and new is charged to that peer's rate limit. Forged
 * source addresses and replayed claims therefore use up nobody's rate.
 */
export class Admission {
  #fleetKeys: FleetKeys
  /** True if new legs are refused. Existing legs may still move and end. */
  closed = false
  readonly #parts: AdmissionParts
  readonly #limit: ProvenLimit
  readonly #isBusy = (leg: number) => !this.#parts.bindings.isFree(leg)

  constructor(fleetKeys: FleetKeys, parts: AdmissionParts, random: Random) {
    this.#fleetKeys = fleetKeys
    this.#parts = parts
    const rates = { openedPerSecond: OPENED_PER_SECOND, perSecond: CLAIMS_PER_SECOND, burst: CLAIM_BURST }
    this.#limit = new ProvenLimit(rates, random)
  }

  setFleetKeys(fleetKeys: FleetKeys): void {
    this.#fleetKeys = fleetKeys
  }

  /** Returns the leg that a BIND is for, or why it is refused. Records the stamp of the BIND as the leg's last. */
  bind(claim: RelayClaim, words: Uint32Array, at: number, now: number): Admitted | ClaimRefusal {
    const { tunnels } = this.#parts
    const grant = this.#open(claim, now)
    if (typeof grant === 'string') return grant
    const known = tunnels.legOf(grant)
    const last = known < 0 ? -1 : tunnels.stampOf(known)
    if (claim.stamp <= last) return this.#again(claim, known, grant, words, at)
    if (!this.#limit.charge(grant.self, now)) return 'limited'
    const leg = known >= 0 && this.#isBusy(known) ? known : this.#make(grant, known, now)
    if (typeof leg === 'string') return leg
    tunnels.setStamp(leg, claim.stamp)
    return { leg, isBelieved: sameIp(grant.from.words, 0, words, at) }
  }

  /** Returns the leg that a RELEASE gives up, or why it is refused. */
  release(claim: RelayClaim, now: number): number | ClaimRefusal {
    const { tunnels } = this.#parts
    const grant = this.#open(claim, now)
    if (typeof grant === 'string') return grant
    const leg = tunnels.legOf(grant)
    if (leg < 0 || claim.stamp <= tunnels.stampOf(leg)) return 'stamp'
    if (!this.#limit.charge(grant.self, now)) return 'limited'
    tunnels.setStamp(leg, claim.stamp)
    return leg
  }

  /** Forgets tunnels that have neither legs nor valid grants, to make room for others. */
  forget(now: number): void {
    const { tunnels, wall } = this.#parts
    tunnels.forget(wall.at(now), this.#isBusy)
  }

  #open(claim: RelayClaim, now: number): OpenedGrant | ClaimRefusal {
    if (!this.#limit.mayOpen(now)) return 'limited'
    const grant = openGrant(this.#fleetKeys, 'relay', claim.grant)
    if (grant === undefined) return 'grant'
    return isClaimGood(claim, grant.key) ? grant : 'mac'
  }

  #make(grant: OpenedGrant, known: number, now: number): number | ClaimRefusal {
    const { tunnels, quota, wall } = this.#parts
    if (wall.at(now) >= grant.expiresAt) return 'expired'
    if (this.closed) return 'draining'
    if (!quota.admits(grant)) return 'quota'
    const leg = known >= 0 ? known : tunnels.admit(grant, this.#isBusy)
    if (leg < 0) return 'full'
    quota.assign(leg, grant)
    return leg
  }

  /** Admits a duplicate of the last BIND again, if it comes from the leg's address. */
  #again(
    { stamp }: RelayClaim,
    leg: number,
    { from }: OpenedGrant,
    words: Uint32Array,
    at: number,
  ): Admitted | ClaimRefusal {
    const { tunnels, bindings } = this.#parts
    if (stamp < tunnels.stampOf(leg) || !bindings.isAt(leg, words, at)) return 'stamp'
    return { leg, isBelieved: sameIp(from.words, 0, words, at) }
  }
}
