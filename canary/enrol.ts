import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { createInvites } from '../shared/store/invites.ts'
import { createNetworks } from '../shared/store/networks.ts'

const VALID_MS = 10 * 60_000

/** Makes the network of the canary's two peers, and an invite for them. Returns the code of the invite. */
export async function inviteBoth(client: DynamoDBDocumentClient, now: number): Promise<string> {
  const { network } = await createNetworks(client).create({ name: 'canary' }, now)
  const invite = { network, role: 'member', uses: 2, validMs: VALID_MS } as const
  return (await createInvites(client).create(invite, now)).code
}
