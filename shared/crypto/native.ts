/** The cryptography of Node: libsodium. A build for browsers takes `pure.ts` in place of this file. */
import noiseHandshake from 'noise-handshake'
import sodiumNative from 'sodium-native'
import type { NoiseHandshakes, Sodium } from './primitives.ts'

export const sodium: Sodium = sodiumNative
export const NoiseState: NoiseHandshakes = noiseHandshake
