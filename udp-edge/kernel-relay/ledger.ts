import type { OffloadedTraffic } from '../../shared/core/relay/offload.ts'
import type { Counted } from './rules.ts'

/** Packets and bytes counted for one leg's address, up to the last reading. */
export interface Account {
  /** Undefined once its pair was withdrawn. */
  leg: number | undefined
  /** Number of the first reading that can include this leg. An earlier one counts another leg at the same address. */
  readonly from: number
  packets: number
  bytes: number
  muted: number
}

/** Turns readings of the kernel's absolute counters into the increase since the previous reading. */
export class Ledger {
  readonly #headerBytes: number
  readonly #accounts = new Map<string, Account>()
  /** Number of readings requested so far. */
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

  /** Registers a reading that is requested now, and returns its number. */
  ask(): number {
    return ++this.#readings
  }

  forwarded(counted: readonly Counted[], reading: number): OffloadedTraffic[] {
    return counted.flatMap((each) => {
      const account = this.#accountOf(each.key, reading)
      return account === undefined ? [] : this.settle(account, each)
    })
  }

  /** The traffic since the account was last settled: one entry, or none if nothing was forwarded. */
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

  /** Resets the count of muted packets, because the kernel starts at 0 when the address is muted again. */
  unmute(key: string): void {
    const account = this.#accounts.get(key)
    if (account !== undefined) account.muted = 0
  }

  #accountOf(key: string, reading: number): Account | undefined {
    const account = this.#accounts.get(key)
    return account !== undefined && account.from <= reading ? account : undefined
  }
}
