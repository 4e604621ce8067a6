import type { OffloadedTraffic } from '../../shared/core/relay/offload.ts'
import type { Counted } from './rules.ts'

/** What was counted of one leg's address up to the last reading. */
export interface Account {
  /** Undefined once its pair was withdrawn. */
  leg: number | undefined
  /** The first reading that can have counted it: one that was asked for earlier tells of another leg at this address. */
  readonly from: number
  packets: number
  bytes: number
  muted: number
}

/** Turns readings of the kernel's absolute counters into what came since the reading before. */
export class Ledger {
  readonly #headerBytes: number
  readonly #accounts = new Map<string, Account>()
  /** Readings that were asked for. */
  #readings = 0

  constructor(headerBytes: number) {
    this.#headerBytes = headerBytes
  }

  open(key: string, leg: number): void {
    this.#accounts.set(key, { leg, from: this.#readings + 1, packets: 0, bytes: 0, muted: 0 })
  }

  /** The account of an address that is withdrawn, for its last reading. */
  close(key: string): Account | undefined {
    const account = this.#accounts.get(key)
    this.#accounts.delete(key)
    if (account !== undefined) account.leg = undefined
    return account
  }

  /** The number of a reading that is asked for now. */
  ask(): number {
    return ++this.#readings
  }

  forwarded(counted: readonly Counted[], reading: number): OffloadedTraffic[] {
    return counted.flatMap((each) => {
      const account = this.#accountOf(each.key, reading)
      return account === undefined ? [] : this.settle(account, each)
    })
  }

  /** What was forwarded since the account was last settled: nothing, or one entry. */
  settle(account: Account, { packets: total, bytes: totalBytes }: Counted): OffloadedTraffic[] {
    const packets = total - account.packets
    if (packets === 0) return []
    const bytes = totalBytes - account.bytes - packets * this.#headerBytes
    account.packets = total
    account.bytes = totalBytes
    return [{ leg: account.leg, packets, bytes, muted: 0 }]
  }

  muted(counted: readonly Counted[], reading: number): OffloadedTraffic[] {
    return counted.flatMap(({ key, packets }) => {
      const account = this.#accountOf(key, reading)
      if (account === undefined || packets === account.muted) return []
      const muted = packets - account.muted
      account.muted = packets
      return [{ leg: account.leg, packets: 0, bytes: 0, muted }]
    })
  }

  /** The kernel counts from 0 when the address is muted again. */
  unmute(key: string): void {
    const account = this.#accounts.get(key)
    if (account !== undefined) account.muted = 0
  }

  #accountOf(key: string, reading: number): Account | undefined {
    const account = this.#accounts.get(key)
    return account !== undefined && account.from <= reading ? account : undefined
  }
}
