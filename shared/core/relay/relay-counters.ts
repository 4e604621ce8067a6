export interface RelayCounters {
  /** Forwarded. */
  packets: number
  bytes: number
  /** Packets among them that the kernel forwarded. */
  offloaded: number
  /** Dropped: from where no leg is; with no leg to go to; more than an unproven address may be sent. */
  strange: number
  unpaired: number
  unproven: number
  /** Dropped: its owner has had its part of the relay. */
  overQuota: number
  /** Control that was not understood. */
  malformed: number
  /** Legs bound, at a first or another address; addresses proven; legs ended. */
  bound: number
  moved: number
  proven: number
  ended: number
  /** Claims that were not granted, and tokens that were nobody's. */
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
