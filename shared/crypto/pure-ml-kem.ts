/** ML-KEM-768 in JavaScript (noble). */
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import type { MlKem } from './primitives.ts'

export const mlKem: MlKem | undefined = {
  generate(seed) {
    const { publicKey, secretKey } = ml_kem768.keygen(seed)
    return { publicKey, decapsulate: (ciphertext) => ml_kem768.decapsulate(ciphertext, secretKey) }
  },
  encapsulate(publicKey, seed) {
    const { sharedSecret, cipherText } = ml_kem768.encapsulate(publicKey, seed)
    return { secret: sharedSecret, ciphertext: cipherText }
  },
}
