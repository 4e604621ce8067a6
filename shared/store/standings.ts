/** The standing of peers: whether they are enrolled, and what their users are members of. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { Claimed, Standing } from '../directory.ts'
import type { Peer } from '../model/peer.ts'
import { getMany } from './pages.ts'
import { createUsers } from './users.ts'

/**
 * Standings in the order of `peers`. Undefined for a peer that is revoked, unknown or another user's, or whose user
 * is gone.
 */
export async function standingsOf(
  client: DynamoDBDocumentClient,
  peers: readonly Claimed[],
): Promise<readonly (Standing | undefined)[]> {
  const [enrolled, users] = await Promise.all([
    getMany<Peer>(
      client,
      'Peers',
      unique(peers.map(({ peer }) => peer)).map((peer) => ({ peer })),
    ),
    createUsers(client).getMany(unique(peers.map(({ user }) => user))),
  ])
  const owners = new Map(
    enrolled.filter(({ revokedAt }) => revokedAt === undefined).map(({ peer, user }) => [peer, user]),
  )
  const standings = new Map(users.map(({ user, networks, blocks }) => [user, { networks, blocks }]))
  return peers.map(({ peer, user }) => (owners.get(peer) === user ? standings.get(user) : undefined))
}

const unique = <T>(list: readonly T[]): T[] => [...new Set(list)]
