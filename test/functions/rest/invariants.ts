/** Reads every table and reports which of the rules that must always hold are broken. */
import { type DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb'
import { tableName } from '../../../shared/store/client.ts'
import type { TableName } from '../../../shared/store/tables.ts'

type Item = Readonly<Record<string, unknown>>

export async function brokenInvariants(client: DynamoDBDocumentClient): Promise<readonly string[]> {
  const names = ['Users', 'Networks', 'Memberships', 'Peers', 'Objects', 'Invites'] as const
  const [users, networks, memberships, peers, objects, invites] = await Promise.all(
    names.map((name) => readAll(client, name)),
  )
  const userOf = new Map(users!.map((item) => [item.user, item]))
  const networkOf = new Map(networks!.map((item) => [item.network, item]))
  const active = memberships!.filter(({ state }) => state === undefined || state === 'active')
  const pairs = new Set(active.map(({ network, user }) => `${network} ${user}`))
  const owners = new Map<unknown, number>()
  for (const { network, role } of active)
    if (role === 'owner') owners.set(network, (owners.get(network) ?? 0) + 1)
  const goes = (item: Item | undefined) => item?.deletingAt !== undefined
  return [
    ...memberships!
      .filter(({ network }) => !networkOf.has(network))
      .map(({ network, user }) => `membership of ${user} in ${network}, which is not there`),
    ...memberships!
      .filter(({ user }) => !userOf.has(user))
      .map(({ network, user }) => `membership in ${network} of ${user}, who is not there`),
    ...active
      .filter(({ network, user }) => !has(userOf.get(user), network))
      .map(({ network, user }) => `${user} does not know of its network ${network}`),
    ...users!.flatMap(({ user, networks: known }) =>
      [...((known as Set<string>) ?? [])]
        .filter((network) => !pairs.has(`${network} ${user}`))
        .map((network) => `${user} believes to be in ${network}`),
    ),
    ...networks!
      .filter((item) => !goes(item) && item.owners !== (owners.get(item.network) ?? 0))
      .map((item) => `${item.network} counts ${item.owners} owners, has ${owners.get(item.network) ?? 0}`),
    ...peers!
      .filter(({ user, erasedAt }) => erasedAt === undefined && !userOf.has(user))
      .map(({ peer, user }) => `peer ${peer} of ${user}, who is not there`),
    ...objects!
      .filter(({ network }) => !networkOf.has(network) && !userOf.has(network))
      .map(({ id, network }) => `object ${id} in ${network}, which is not there`),
    ...invites!
      .filter(({ network, deletedAt }) => deletedAt === undefined && !networkOf.has(network))
      .map(({ invite, network }) => `invite ${invite} into ${network}, which is not there`),
    ...invites!
      .filter(({ used, uses }) => Number(used) > Number(uses))
      .map(({ invite, used, uses }) => `invite ${invite} is used ${used} times of ${uses}`),
  ]
}

const has = (user: Item | undefined, network: unknown): boolean =>
  user?.networks instanceof Set && user.networks.has(network)

async function readAll(client: DynamoDBDocumentClient, name: TableName): Promise<readonly Item[]> {
  const items: Item[] = []
  const scan = { TableName: tableName(name), ConsistentRead: true }
  for await (const { Items = [] } of paginateScan({ client }, scan)) items.push(...Items)
  return items
}
