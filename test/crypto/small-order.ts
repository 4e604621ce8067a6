import { bytesOf } from './hex.ts'

/**
 * Every encoding of an X25519 point of small order (RFC 7748; libsodium's `has_small_order`): five points, the two with a
 * second encoding below 2^255, and all of them with the ignored top bit.
 */
const BELOW_2_255 = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map(bytesOf)

function withTopBit(key: Uint8Array): Uint8Array {
  const changed = key.slice()
  changed[31]! |= 0x80
  return changed
}

export const SMALL_ORDER_KEYS: readonly Uint8Array[] = [...BELOW_2_255, ...BELOW_2_255.map(withTopBit)]

/** Encodings of p and more of the base point's kind: no honest peer sends one. */
export const NOT_CANONICAL_KEYS: readonly Uint8Array[] = [
  ...[2, 9, 18].map((above) => {
    const key = new Uint8Array(32).fill(0xff)
    key[31] = 0x7f
    key[0] = 0xed + above
    return key
  }),
  withTopBit(bytesOf('0900000000000000000000000000000000000000000000000000000000000000')),
]
