/** Counters of a relay since it started. */
export interface RelayCounters {
  /** Forwarded packets and bytes. */
  packets: number
  bytes: number
  /** The part of `packets` that the kernel forwarded. */
  offloaded: number
  /** Dropped packets, because: no leg is at the source; the other leg is not bound; the other leg has no credit left. */
  strange: number
  unpaired: number
  unproven: number
  /** Dropped packets, because an owner of the leg is over quota. */
  overQuota: number
  /** Control messages that could not be decoded. */
  malformed: number
  /** Legs bound, legs moved to another address, addresses proven, legs ended. */
  bound: number
  moved: number
  proven: number
  ended: number
  /** Refused claims by reason, and tokens that belong to no leg. */
  refused: Record<ClaimRefusal | 'token', number>
}

export type ClaimRefusal = 'limited' | 'grant' | 'mac' | 'stamp' | 'expired' | 'draining' | 'quota' | 'full'

export const noRelayCounts = (): RelayCounters => ({
  packets: 0,
  bytes: 0,
  offloaded: 0,
  strange: 0,
  unpaired: 0,
  unproven: 0,
  overQuota: 0,
  malformed: 0,
  bound: 0,
  moved: 0,
  proven: 0,
  ended: 0,
  refused: { limited: 0, grant: 0, mac: 0, expired: 0, stamp: 0, quota: 0, full: 0, draining: 0, token: 0 },
})
