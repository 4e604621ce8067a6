/**
 * How much a tunnel sends to addresses that the other peer named and nobody has vouched for: whatever is ordered, a third
 * party gets few packets, and all third parties together get not many more. An address that has answered costs nothing.
 */
import { type Address, formatIp, isIpv4 } from '../../wire/address.ts'

/** A step's rounds are 30 at most, and attempts come minutes apart. */
const PACKETS_PER_IP = 60
const PACKETS_IN_ALL = 240
/** As long as a HANDSHAKE remembers a pair. */
const PERIOD_MS = 660_000

export class TargetBudget {
  #spent = new Map<string, number>()
  #total = 0
  #until = Number.NEGATIVE_INFINITY

  /** Takes a packet; false if the address is none to send to, or has had its part. */
  take(address: Address, now: number): boolean {
    if (!isUnicast(address)) return false
    if (now >= this.#until) this.#begin(now)
    const ip = formatIp(address.words)
    const spent = this.#spent.get(ip) ?? 0
    if (spent >= PACKETS_PER_IP || this.#total >= PACKETS_IN_ALL) return false
    this.#spent.set(ip, spent + 1)
    this.#total++
    return true
  }

  #begin(now: number): void {
    this.#spent = new Map()
    this.#total = 0
    this.#until = now + PERIOD_MS
  }
}

/** No port 0, no unspecified, link-local, multicast, broadcast or reserved address, no form that embeds another. */
export function isUnicast({ words }: Address): boolean {
  if (words[4] === 0) return false
  if (isIpv4(words)) {
    const ip = words[3]!
    return ip >>> 24 !== 0 && ip >>> 16 !== 0xa9fe && ip >>> 28 !== 0xe && ip >>> 28 !== 0xf
  }
  const isGlobal = words[0]! >>> 29 === 1 && words[0]! >>> 16 !== 0x2002 && words[0] !== 0x20010000
  const isLocal = words[0]! >>> 25 === 0x7e
  const isOwn = words[0] === 0 && words[1] === 0 && words[2] === 0 && words[3] === 1
  return isGlobal || isLocal || isOwn
}
