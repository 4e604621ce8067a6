/** Used proofs. A proof is accepted once (functions/proof.ts). */
import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb'
import type { PeerId } from '../ids.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'

export interface UsedProof {
  readonly peer: PeerId
  readonly jti: string
  /** Time at which the proof expires, epoch milliseconds. */
  readonly endsAt: number
}

/**
 * Items are kept this much longer than their proofs are valid, because the clocks of functions and of DynamoDB's TTL
 * differ.
 */
const SPARE_SECONDS = 300

/** Marks a proof as used. False if it was used before. */
export async function spendProof(
  client: DynamoDBDocumentClient,
  { peer, jti, endsAt }: UsedProof,
): Promise<boolean> {
  const expiresAtSeconds = Math.ceil(endsAt / 1000) + SPARE_SECONDS
  const put = new PutCommand({
    TableName: tableName('Proofs'),
    Item: { proof: `${peer}.${jti}`, expiresAtSeconds },
    ConditionExpression: 'attribute_not_exists(proof)',
  })
  return (await unlessRefused(client.send(put))) !== undefined
}
