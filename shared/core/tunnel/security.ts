/**
 * True if both sides said that they have ML-KEM, inside the messages of their Noise handshake, so that nobody between
 * them can change it. `not-here`, `not-there`: this or the other side has none.
 */
export type Mixing = 'agreed' | 'not-here' | 'not-there'

/**
 * Why a tunnel is not hybrid:
 *
 * - `pending`: both sides can, and the exchange is under way
 * - `not-here`: this side has no ML-KEM, which Node.js has from 24.7 on
 * - `not-there`: the other side has none
 * - `unanswered`: both sides can, and the exchange is not finished after 10 s with a path. Somebody between them may
 *   withhold it. It is repeated nevertheless
 */
export type NotHybrid = 'pending' | 'not-here' | 'not-there' | 'unanswered'

/** The security of a tunnel that is not agreed yet. */
export const UNSETTLED: Security = { handshake: 'noise-ik', hybrid: false, reason: 'pending', renewals: 0 }

/** The cryptography of a tunnel. */
export interface Security {
  /** Pattern of the handshake: Noise_IK_25519_ChaChaPoly_BLAKE2b. */
  readonly handshake: 'noise-ik'
  /** An ML-KEM-768 secret is mixed into the keys: who records the tunnel cannot read it with a quantum computer. */
  readonly hybrid: boolean
  /** Why not; absent if it is hybrid. */
  readonly reason?: NotHybrid
  /** Number of times that the keys were renewed by a fresh exchange. */
  readonly renewals: number
}
