/**
 * The common form of addresses: an IPv6 address as four 32-bit words and a port; IPv4 is ::ffff:a.b.c.d. On the wire it
 * has 18 bytes (16 and 2, big-endian). The text form is `203.0.113.7:3478` or `[2001:db8::1]:3478`.
 */
export const ADDRESS_BYTES = 18
/** Words of an address in a Uint32Array: four of IP, one of port. */
export const ADDRESS_WORDS = 5
export const PORT_WORD = 4

export interface Address {
  /** Five words: ip0..ip3, port. */
  readonly words: Uint32Array
}

/** All zeros: no address. */
export const NOWHERE: Address = { words: new Uint32Array(ADDRESS_WORDS) }
export const isNowhere = ({ words }: Address): boolean => words.every((word) => word === 0)

export const DISCARD_ONLY = 0x0100_0000
const MAPPED = 0xffff

export function isIpv4(words: Uint32Array, at = 0): boolean {
  return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === MAPPED
}

/** 127.0.0.0/8 and ::1. */
export function isLoopback(words: Uint32Array, at = 0): boolean {
  if (isIpv4(words, at)) return words[at + 3]! >>> 24 === 127
  return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0 && words[at + 3] === 1
}

/**
 * 100::/64, a prefix that no host has and routers discard (RFC 6666). A node uses it to name peers that reach it by
 * other means than UDP.
 */
export function isDiscardOnly(words: Uint32Array, at = 0): boolean {
  return words[at] === DISCARD_ONLY && words[at + 1] === 0
}

export function sameAddress(a: Uint32Array, atA: number, b: Uint32Array, atB: number): boolean {
  for (let i = 0; i < ADDRESS_WORDS; i++) if (a[atA + i] !== b[atB + i]) return false
  return true
}

export function sameIp(a: Uint32Array, atA: number, b: Uint32Array, atB: number): boolean {
  for (let i = 0; i < 4; i++) if (a[atA + i] !== b[atB + i]) return false
  return true
}

/** Undefined if the text is not `ip:port`. Host names are resolved elsewhere. */
export function parseAddress(text: string): Address | undefined {
  const colon = text.lastIndexOf(':')
  if (colon < 1) return undefined
  const port = Number(text.slice(colon + 1))
  if (!/^\d{1,5}$/.test(text.slice(colon + 1)) || port > 0xffff) return undefined
  const host = text.slice(0, colon)
  const bracketed = host.startsWith('[') && host.endsWith(']')
  if (host.includes(':') && !bracketed) return undefined
  return addressOf(bracketed ? host.slice(1, -1) : host, port)
}

export function addressOf(ip: string, port: number): Address | undefined {
  const words = new Uint32Array(ADDRESS_WORDS)
  const ok = ip.includes(':') ? writeIpv6(ip, words) : writeIpv4(ip, words)
  if (!ok) return undefined
  words[4] = port
  return { words }
}

export function formatAddress(words: Uint32Array, at = 0): string {
  const ip = formatIp(words, at)
  return isIpv4(words, at) ? `${ip}:${words[at + 4]}` : `[${ip}]:${words[at + 4]}`
}

export function formatIp(words: Uint32Array, at = 0): string {
  if (isIpv4(words, at)) {
    const ip = words[at + 3]!
    return `${ip >>> 24}.${(ip >>> 16) & 255}.${(ip >>> 8) & 255}.${ip & 255}`
  }
  const groups: string[] = []
  for (let i = 0; i < 4; i++) {
    groups.push((words[at + i]! >>> 16).toString(16), (words[at + i]! & 0xffff).toString(16))
  }
  return compress(groups)
}

function writeIpv4(ip: string, words: Uint32Array): boolean {
  const parts = ip.split('.')
  if (parts.length !== 4) return false
  let value = 0
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return false
    value = value * 256 + Number(part)
  }
  words[2] = MAPPED
  words[3] = value
  return true
}

function writeIpv6(ip: string, words: Uint32Array): boolean {
  const text = ip.includes('%') ? ip.slice(0, ip.indexOf('%')) : ip
  const halves = text.split('::')
  if (halves.length > 2) return false
  const head = groupsOf(halves[0]!)
  const tail = halves.length === 2 ? groupsOf(halves[1]!) : []
  if (head === undefined || tail === undefined) return false
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return false
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail]
  for (let i = 0; i < 4; i++) words[i] = (groups[2 * i]! << 16) | groups[2 * i + 1]!
  return true
}

function groupsOf(text: string): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    if (part.includes('.') && i === parts.length - 1) {
      const words = new Uint32Array(ADDRESS_WORDS)
      if (!writeIpv4(part, words)) return undefined
      groups.push(words[3]! >>> 16, words[3]! & 0xffff)
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

/** RFC 5952: the longest run of two or more zero groups becomes `::`. */
function compress(groups: readonly string[]): string {
  let best = { at: -1, length: 1 }
  for (let at = 0; at < groups.length; at++) {
    let length = 0
    while (groups[at + length] === '0') length++
    if (length > best.length) best = { at, length }
  }
  if (best.at < 0) return groups.join(':')
  return `${groups.slice(0, best.at).join(':')}::${groups.slice(best.at + best.length).join(':')}`
}
