import { StraightwayError } from '../../shared/errors.ts'
import type { PeerId } from '../../shared/ids.ts'
import { createPeers } from '../../shared/store/peers.ts'
import { type ProofDoor, useProof } from '../proof.ts'

/**
 * The peer that made the proof for this door, or undefined if the proof is not valid. The gateway accepts proofs and
 * not tickets, so that the key that signs tickets stays with INDEX.
 */
export async function proven(proof: string, door: ProofDoor): Promise<PeerId | undefined> {
  try {
    return await useProof(door, proof)
  } catch (error) {
    if (error instanceof StraightwayError && error.code === 'unauthenticated') return undefined
    throw error
  }
}

/** True if the peer is enrolled and not revoked. */
export async function isEnrolled({ client }: Pick<ProofDoor, 'client'>, peer: PeerId): Promise<boolean> {
  const known = await createPeers(client).get(peer)
  return known !== undefined && known.revokedAt === undefined
}
