/** ML-KEM-768 of Node.js, which has it from 24.7 on; undefined in older versions. */
import * as crypto from 'node:crypto'
import type { MlKem } from './primitives.ts'

/** Bytes before the key in SubjectPublicKeyInfo, and the seed in PKCS #8 (RFC 9935, the form with a seed only). */
const PUBLIC_PREFIX = bytesOf('308204b2300b0609608648016503040402038204a100')
const SEED_PREFIX = bytesOf('3054020100300b060960864801650304040204428040')

const implementation: MlKem = {
  generate(seed) {
    const pkcs8 = joined(SEED_PREFIX, seed)
    const key = crypto.createPrivateKey({ key: pkcs8 as Buffer, format: 'der', type: 'pkcs8' })
    pkcs8.fill(0)
    const spki = crypto.createPublicKey(key).export({ format: 'der', type: 'spki' })
    return {
      publicKey: new Uint8Array(spki.subarray(PUBLIC_PREFIX.length)),
      decapsulate: (ciphertext) => new Uint8Array(crypto.decapsulate(key, ciphertext)),
    }
  },
  encapsulate(publicKey) {
    const spki = joined(PUBLIC_PREFIX, publicKey)
    const key = crypto.createPublicKey({ key: spki as Buffer, format: 'der', type: 'spki' })
    const { sharedKey, ciphertext } = crypto.encapsulate(key)
    return { secret: new Uint8Array(sharedKey), ciphertext: new Uint8Array(ciphertext) }
  },
}

/** A prefix and a key in one. */
function joined(prefix: Uint8Array, rest: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(prefix.length + rest.length)
  bytes.set(prefix)
  bytes.set(rest, prefix.length)
  return bytes
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g)!, (byte) => Number.parseInt(byte, 16))
}

/** Node may have the function without the algorithm, if it was built with another OpenSSL. */
function isThere(): boolean {
  if (typeof crypto.encapsulate !== 'function') return false
  try {
    implementation.generate(new Uint8Array(64))
    return true
  } catch {
    return false
  }
}

export const nodeMlKem: MlKem | undefined = isThere() ? implementation : undefined
