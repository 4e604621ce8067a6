/** Networks: groups of users. */
import { randomBytes } from 'node:crypto'
import { DeleteCommand, type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import type { NetworkId, UserId } from '../ids.ts'
import { ID_BYTES, networkIdOf } from '../model/identifiers.ts'
import type { JsonObject } from '../model/json.ts'
import type { Maker, Membership } from '../model/membership.ts'
import { editableNetworkSchema, type Joining, type Network } from '../model/network.ts'
import type { Paths } from '../paths.ts'
import type { RandomBytes } from '../random-bytes.ts'
import { tableName } from './client.ts'
import { type Edit, editEntity } from './edits.ts'
import { transitionSteps } from './membership-steps.ts'
import { getMany } from './pages.ts'
import { CHANGED, DELETED, OUTDATED, retrying, type Step, transact } from './transact.ts'
import { createUsers, IS_THERE } from './users.ts'

export interface NewNetwork {
  readonly name: string
  readonly attributes?: JsonObject | undefined
  readonly paths?: Paths | undefined
  readonly joining?: Joining | undefined
  /** The first owner. Without one, only API keys manage the network. */
  readonly owner?: UserId | undefined
  /** The user or API key that makes the network. */
  readonly by?: Maker | undefined
}

/** Items written before networks had `paths` and `joining` lack these. */
type NetworkItem = Omit<Network, 'paths' | 'joining'> &
  Partial<Pick<Network, 'paths' | 'joining'>> & { readonly deletingAt?: number }

/** The refusal of a repeated request by a user that may no longer see what the first one made. */
const LEFT = new StraightwayError(
  'conflict',
  'You have left what this request made: send it with another Idempotency-Key',
)

const NO_NETWORK = () => new StraightwayError('not-found', 'There is no such network')

export type Networks = ReturnType<typeof createNetworks>

export function createNetworks(client: DynamoDBDocumentClient) {
  const users = createUsers(client)

  /**
   * Makes a network and its first owner, or neither. A repeated request returns the network that the first one made.
   * Errors: `not-found` without that user; `too-large`.
   */
  function create(input: NewNetwork, now: number, random: RandomBytes = randomBytes): Promise<Network> {
    const { name, attributes = {}, paths = 'auto', joining = 'invite', owner, by } = input
    const network = networkIdOf(random(ID_BYTES))
    const owners = owner === undefined ? 0 : 1
    const made: Network = {
      ...{ network, name, attributes, paths, joining, owners },
      ...{ createdAt: now, updatedAt: now, version: 1 },
    }
    return retrying(async () => {
      const to = owner && ownerOf({ network, user: owner, by }, now)
      const steps = to
        ? transitionSteps({ from: undefined, to, user: await users.require(to.user), newNetwork: true })
        : []
      try {
        const told = { subject: network, after: made }
        await transact(client, [comesToBe(made), ...steps], told, ...(to ? [toldOf(to)] : []))
        return made
      } catch (error) {
        // The same id comes from the same request, sent again with its `Idempotency-Key`.
        const known = error === CHANGED ? await getItem(network) : undefined
        if (known === undefined) throw error
        if (known.deletingAt !== undefined) throw DELETED
        if (owner !== undefined && !(await isIn(network, owner))) throw LEFT
        return toNetwork(known)!
      }
    })
  }

  async function isIn(network: NetworkId, user: UserId): Promise<boolean> {
    const items = await getMany<Pick<Membership, 'state'>>(client, 'Memberships', [{ network, user }])
    return items.some(({ state = 'active' }) => state === 'active')
  }

  async function get(network: NetworkId): Promise<Network | undefined> {
    const item = await getItem(network)
    return item === undefined ? undefined : toNetwork(item)
  }

  async function getItem(network: NetworkId): Promise<NetworkItem | undefined> {
    const get = new GetCommand({ TableName: tableName('Networks'), Key: { network }, ConsistentRead: true })
    return (await client.send(get)).Item as NetworkItem | undefined
  }

  /** The network. Errors: `not-found`. */
  async function require(network: NetworkId): Promise<Network> {
    const found = await get(network)
    if (found === undefined) throw NO_NETWORK()
    return found
  }

  async function getNetworks(networks: readonly NetworkId[]): Promise<readonly Network[]> {
    const keys = [...new Set(networks)].map((network) => ({ network }))
    const items = await getMany<NetworkItem>(client, 'Networks', keys)
    return items.map(toNetwork).filter((network) => network !== undefined)
  }

  function update(network: NetworkId, edit: Edit): Promise<Network> {
    const read = () => get(network)
    return editEntity(client, 'Networks', { network }, read, edit, editableNetworkSchema)
  }

  async function remove(network: NetworkId): Promise<void> {
    await client.send(new DeleteCommand({ TableName: tableName('Networks'), Key: { network } }))
  }

  return { create, get, require, getMany: getNetworks, update, remove }
}

/** Marks the network as being deleted: from then on nobody can join. What belongs to it is removed next. */
export function startsDeletingNetwork({ network, version }: Network, now: number): Step {
  return {
    refused: OUTDATED,
    write: {
      Update: {
        TableName: tableName('Networks'),
        Key: { network },
        ConditionExpression: `#version = :version AND ${IS_THERE}`,
        UpdateExpression: 'SET deletingAt = :now',
        ExpressionAttributeNames: { '#version': 'version' },
        ExpressionAttributeValues: { ':now': now, ':version': version },
      },
    },
  }
}

/** The membership of the first owner. */
function ownerOf(
  { network, user, by }: { network: NetworkId; user: UserId; by: Maker | undefined },
  now: number,
): Membership {
  const standing = {
    role: 'owner',
    state: 'active',
    ...(by && { by }),
    changedAt: now,
    joinedAt: now,
  } as const
  return { network, user, ...standing }
}

const toldOf = (to: Membership) => ({ subject: to.network, about: to.user, after: to })

function comesToBe(network: Network): Step {
  const Put = {
    TableName: tableName('Networks'),
    Item: network,
    ConditionExpression: 'attribute_not_exists(createdAt)',
  }
  return { refused: CHANGED, write: { Put } }
}

function toNetwork({
  deletingAt,
  paths = 'auto',
  joining = 'invite',
  ...network
}: NetworkItem): Network | undefined {
  return deletingAt === undefined ? { ...network, paths, joining } : undefined
}
