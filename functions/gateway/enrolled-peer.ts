import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../../shared/errors.ts'
import type { PeerId } from '../../shared/ids.ts'
import { getPeer } from '../../shared/store/peers.ts'
import { verifyProof } from '../proof.ts'
import { GATEWAY_AUDIENCE } from './node-token.ts'

/**
 * The peer that made the proof, meant for this door: it holds its key, is enrolled, and not revoked. Undefined for
 * everything else. A proof and not a ticket, so that the key which signs tickets stays with INDEX.
 */
export async function enrolledPeerOf(
  proof: string,
  { client, now }: { readonly client: DynamoDBDocumentClient; readonly now: () => number },
): Promise<PeerId | undefined> {
  const peer = await proven(proof, now())
  const known = peer && (await getPeer(client, peer))
  return known?.revokedAt === undefined ? known?.peer : undefined
}

async function proven(proof: string, now: number): Promise<PeerId | undefined> {
  try {
    return await verifyProof(proof, now, GATEWAY_AUDIENCE)
  } catch (error) {
    if (error instanceof StraightwayError) return undefined
    throw error
  }
}
