import { sodium } from './native.ts'

const encoder = new TextEncoder()

type Part = Uint8Array | string

/** BLAKE2b-256 (RFC 7693) over the concatenated parts, keyed with 16 to 64 bytes. Text is encoded as UTF-8. */
export function hash256(key: Uint8Array, ...parts: readonly Part[]): Uint8Array {
  return keyed(32, key, parts)
}

/** BLAKE2b-128 (RFC 7693), otherwise like `hash256`. */
export function hash128(key: Uint8Array, ...parts: readonly Part[]): Uint8Array {
  return keyed(16, key, parts)
}

/** Compares bytes in a time that depends on their lengths alone. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && sodium.sodium_memcmp(a, b)
}

function keyed(length: number, key: Uint8Array, parts: readonly Part[]): Uint8Array {
  const out = new Uint8Array(length)
  const inputs = parts.map((part) => (typeof part === 'string' ? encoder.encode(part) : part))
  sodium.crypto_generichash_batch(out, inputs, key)
  return out
}
