/** Networks: groups of users. */
import { randomBytes } from 'node:crypto'
import { DeleteCommand, type DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import type { NetworkId, UserId } from '../ids.ts'
import { ID_BYTES, networkIdOf } from '../model/identifiers.ts'
import type { JsonObject } from '../model/json.ts'
import { editableNetworkSchema, type Network } from '../model/network.ts'
import type { Paths } from '../paths.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import { type Edit, editEntity } from './edits.ts'
import { memberSteps } from './membership-steps.ts'
import { getMany } from './pages.ts'
import { CHANGED, retrying, type Step, transact } from './transact.ts'
import { requireUser } from './users.ts'

export interface NewNetwork {
  readonly name: string
  readonly attributes?: JsonObject | undefined
  readonly paths?: Paths | undefined
  /** Its first owner; without one only API keys manage it. */
  readonly owner?: UserId | undefined
}

/** One that was made before networks had `paths` has none. */
type NetworkItem = Omit<Network, 'paths'> & Partial<Pick<Network, 'paths'>> & { readonly deletingAt?: number }

const NO_NETWORK = () => new StraightwayError('not-found', 'There is no such network')

/** The network and its first owner, or neither. Errors: `not-found` without that user, `too-large`. */
export function createNetwork(
  client: DynamoDBDocumentClient,
  input: NewNetwork,
  now: number,
): Promise<Network> {
  const { name, attributes = {}, paths = 'auto', owner } = input
  const network = networkIdOf(randomBytes(ID_BYTES))
  const owners = owner === undefined ? 0 : 1
  const made: Network = {
    ...{ network, name, attributes, paths, owners },
    ...{ createdAt: now, updatedAt: now, version: 1 },
  }
  return retrying(async () => {
    const membership = owner && { network, user: owner, role: 'owner' as const, joinedAt: now }
    const owning = membership ? memberSteps(await requireUser(client, membership.user), membership) : []
    await transact(client, [comesToBe(made), ...owning])
    return made
  })
}

export async function getNetwork(
  client: DynamoDBDocumentClient,
  network: NetworkId,
): Promise<Network | undefined> {
  const get = new GetCommand({ TableName: tableName('Networks'), Key: { network }, ConsistentRead: true })
  const item = (await client.send(get)).Item as NetworkItem | undefined
  return item === undefined ? undefined : toNetwork(item)
}

/** Errors: `not-found`. */
export async function requireNetwork(client: DynamoDBDocumentClient, network: NetworkId): Promise<Network> {
  const found = await getNetwork(client, network)
  if (found === undefined) throw NO_NETWORK()
  return found
}

export async function getNetworks(
  client: DynamoDBDocumentClient,
  networks: readonly NetworkId[],
): Promise<readonly Network[]> {
  const keys = [...new Set(networks)].map((network) => ({ network }))
  const items = await getMany<NetworkItem>(client, 'Networks', keys)
  return items.map(toNetwork).filter((network) => network !== undefined)
}

export async function updateNetwork(
  client: DynamoDBDocumentClient,
  network: NetworkId,
  edit: Edit,
): Promise<Network> {
  const read = () => getNetwork(client, network)
  const item = await editEntity(client, 'Networks', { network }, read, edit, editableNetworkSchema)
  return item as unknown as Network
}

/** From here on nobody can join; what belongs to it is removed next. Repeatable. */
export async function markNetworkDeleting(client: DynamoDBDocumentClient, network: NetworkId, now: number) {
  const update = new UpdateCommand({
    TableName: tableName('Networks'),
    Key: { network },
    ConditionExpression: 'attribute_exists(createdAt)',
    UpdateExpression: 'SET deletingAt = if_not_exists(deletingAt, :now)',
    ExpressionAttributeValues: { ':now': now },
  })
  if ((await unlessRefused(client.send(update))) === undefined) throw NO_NETWORK()
}

export async function removeNetworkItem(client: DynamoDBDocumentClient, network: NetworkId): Promise<void> {
  await client.send(new DeleteCommand({ TableName: tableName('Networks'), Key: { network } }))
}

function comesToBe(network: Network): Step {
  const Put = {
    TableName: tableName('Networks'),
    Item: network,
    ConditionExpression: 'attribute_not_exists(createdAt)',
  }
  return { refused: CHANGED, write: { Put } }
}

function toNetwork({ deletingAt, paths = 'auto', ...network }: NetworkItem): Network | undefined {
  return deletingAt === undefined ? { ...network, paths } : undefined
}
