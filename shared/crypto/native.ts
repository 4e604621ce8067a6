/** The cryptography for Node.js: libsodium, and OpenSSL for ML-KEM. A build for browsers uses `pure.ts` in place of this file. */
import noiseHandshake from 'noise-handshake'
import SymmetricState from 'noise-handshake/symmetric-state.js'
import sodiumNative from 'sodium-native'
import { nodeMlKem } from './node-ml-kem.ts'
import type { MlKem, NoiseHandshakes, NoiseSymmetrics, Sodium } from './primitives.ts'

const encoder = new TextEncoder()

export const sodium: Sodium = sodiumNative
/** Undefined if this Node.js has none: tunnels are then agreed by X25519 alone. */
export const mlKem: MlKem | undefined = nodeMlKem
export const NoiseState: NoiseHandshakes = noiseHandshake

export const noiseSymmetric: NoiseSymmetrics = (protocol) => {
  const state = new SymmetricState()
  state.digest.set(encoder.encode(protocol))
  state.chainingKey = new Uint8Array(state.digest)
  return state
}
