/**
 * Limits the packets that a tunnel sends to addresses which the other peer named and nobody vouches for. Whatever a
 * HANDSHAKE orders, one third party receives few packets, and all third parties together not many more. An address at
 * which the HANDSHAKE has seen the other side is not charged.
 */
import { type Address, formatIp, isIpv4 } from '../../wire/address.ts'

/** A step has at most 30 rounds, and attempts are minutes apart. */
const PACKETS_PER_IP = 60
const PACKETS_IN_ALL = 240
/** As long as a HANDSHAKE remembers a pair. */
const PERIOD_MS = 660_000

export class TargetBudget {
  #spent = new Map<string, number>()
  #total = 0
  #until = Number.NEGATIVE_INFINITY

  /** Spends a packet; false if the address is not a valid target or its budget is used up. */
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

/**
 * False for port 0, unspecified, link-local, multicast, broadcast and reserved addresses, and IPv6 forms that embed
 * IPv4.
 */
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
