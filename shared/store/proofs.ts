/** Proofs that were used: each is good once (functions/proof.ts). */
import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb'
import type { PeerId } from '../ids.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'

export interface UsedProof {
  readonly peer: PeerId
  readonly jti: string
  /** When the proof is no longer taken anyway, in epoch milliseconds. */
  readonly endsAt: number
}

/** Clocks of functions differ, and a table may remove an item up to this much before another function calls it ended. */
const SPARE_SECONDS = 300

/** False if the proof was used before. */
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
