/**
 * The check of an X25519 public key (RFC 7748) that is published. A key agreement with a point of small order gives zeros
 * whatever the secret is, and both libraries refuse it (RFC 7748, 6.1). So such a key is refused when it is read, before
 * anything is sealed for it. An encoding of p or more is refused too: there is only one encoding of each honest key.
 */
import { sameBytes } from './hash.ts'

const KEY_BYTES = 32
const HIGHEST = KEY_BYTES - 1

/** The canonical u-coordinates of all points of small order, of the curve and of its twist. */
const SMALL_ORDER: readonly Uint8Array[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map((hex) => Uint8Array.from(hex.match(/../g)!, (byte) => Number.parseInt(byte, 16)))

/** True if the bytes are the canonical encoding of a point that two sides can agree with. */
export function isAgreementKey(key: Uint8Array): boolean {
  return key.length === KEY_BYTES && isBelowPrime(key) && !SMALL_ORDER.some((point) => sameBytes(point, key))
}

/** p is 2^255 - 19: the bytes `ed ff .. ff 7f`. */
function isBelowPrime(key: Uint8Array): boolean {
  if (key[HIGHEST]! !== 0x7f) return key[HIGHEST]! < 0x7f
  return key[0]! < 0xed || key.subarray(1, HIGHEST).some((byte) => byte !== 0xff)
}
