/** Branded ids, spelled the same on the wire, in the tables, in the API and in the SDK. */
declare const brand: unique symbol
type Brand<T, B> = T & { readonly [brand]: B }

/** Id of a peer: its Ed25519 public key in base32 (RFC 4648, lower case, no padding), 52 characters. */
export type PeerId = Brand<string, 'PeerId'>
/** Id of a user: `u_` and 16 base32 characters. */
export type UserId = Brand<string, 'UserId'>
/** Id of a network: `n_` and 16 base32 characters. */
export type NetworkId = Brand<string, 'NetworkId'>
/** Id of a node: `node_` and 8 base32 characters. */
export type NodeId = Brand<string, 'NodeId'>
/** Id of a tunnel: 16 random bytes in base32, 26 characters. */
export type TunnelId = Brand<string, 'TunnelId'>

/** The base32 alphabet; the index of a letter is its value. */
export const BASE32_LETTERS = 'abcdefghijklmnopqrstuvwxyz234567'
const CODES = [...BASE32_LETTERS].map((letter) => letter.charCodeAt(0))
const VALUES = new Map([...BASE32_LETTERS].map((letter, value) => [letter, value]))

/** Encodes bytes in base32. The string is made in one step: one that grows letter by letter takes twenty times the memory. */
export function toBase32(bytes: Uint8Array): string {
  const codes: number[] = []
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = (value << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      codes.push(CODES[(value >>> bits) & 31]!)
    }
    value &= (1 << bits) - 1
  }
  if (bits > 0) codes.push(CODES[(value << (5 - bits)) & 31]!)
  return String.fromCharCode(...codes)
}

/** Decodes base32; undefined unless the text is the canonical form of some bytes (padding bits must be zero). */
export function fromBase32(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8))
  let bits = 0
  let value = 0
  let at = 0
  for (const letter of text) {
    const five = VALUES.get(letter)
    if (five === undefined) return undefined
    value = (value << 5) | five
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = (value >>> bits) & 255
    }
    value &= (1 << bits) - 1
  }
  return bits >= 5 || value !== 0 ? undefined : bytes
}

/** True if a text has the form of a peer id: 52 characters of base32. */
export function isPeerId(text: string): text is PeerId {
  return text.length === 52 && fromBase32(text)?.length === 32
}

export const peerIdOf = (publicKey: Uint8Array): PeerId => toBase32(publicKey) as PeerId

/** Returns the Ed25519 public key of a peer. Throws a RangeError if the text is not a peer id: check `isPeerId` first. */
export function publicKeyOf(peer: PeerId): Uint8Array {
  const bytes = fromBase32(peer)
  if (bytes?.length !== 32) throw new RangeError(`not a peer id: ${peer}`)
  return bytes
}
