/**
 * The leases of nodes. A node registers, renews its lease before it ends, reports when it drains, and leaves. A node
 * whose lease has ended counts as dead: the reaper clears it away. Its workers note on the lease which parts of the
 * tables they have cleared or where they stopped, and the last one removes it.
 */
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateScan,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
import type { FleetItem } from '../directory.ts'
import type { NodeId } from '../ids.ts'
import { tableName } from './client.ts'
import { unlessRefused } from './conditions.ts'
import { getMany } from './pages.ts'
import type { Place } from './vacate.ts'

/**
 * A lease as the tables hold it, with what the reaper notes on it since it ended. Parts are named `part/parts`.
 *
 * `cleared`: the parts of the tables that are cleared. `place ...`: where the scan of a part stopped.
 */
export interface LeaseItem extends FleetItem {
  readonly cleared?: ReadonlySet<string>
}

type Places = Readonly<Record<`place ${string}`, Place | undefined>>

export type Lease = Pick<FleetItem, 'node' | 'load' | 'draining' | 'expiresAtSeconds'>

export interface Fleet {
  /** Replaces any item of this node. */
  register(item: FleetItem): Promise<void>
  /**
   * False if the lease had ended, even if its item still exists: the node may already count as dead. It then
   * registers again and signs its peers in again.
   */
  renew(lease: Lease, nowSeconds: number): Promise<boolean>
  leave(node: NodeId): Promise<void>
  has(node: NodeId): Promise<boolean>
  /** Every node whose lease has not ended, including draining ones. */
  alive(nowSeconds: number): Promise<FleetItem[]>
  ended(nowSeconds: number): Promise<LeaseItem[]>
  /** Those of the nodes that have not registered again since their leases ended. */
  stillEnded(leases: readonly LeaseItem[]): Promise<ReadonlySet<NodeId>>
  /**
   * Puts the lease of a removed node back as an ended one, for the reaper. A node that has registered again keeps its
   * own.
   */
  end(item: FleetItem): Promise<void>
  /**
   * Notes that a part of the tables holds nothing of a node whose lease has ended, and removes the lease once all
   * parts are cleared. True if it was removed. Does nothing if the node has registered again, even if that lease has
   * ended too: its peers may have signed in behind the scan.
   */
  cleared(ended: LeaseItem, part: string): Promise<boolean>
  /** Notes where the scan of a part stopped. */
  stopped(ended: LeaseItem, part: string, place: Place): Promise<void>
}

/** An expiry more than five years ago. DynamoDB's TTL ignores these, so the item stays until the reaper removes it. */
const ENDED = 1

/** True if the lease was put back by `end`. Nodes know then that its node is gone. */
export const isPutBack = ({ expiresAtSeconds }: FleetItem): boolean => expiresAtSeconds === ENDED

/** The place at which the scan of a part stopped; undefined if it has not begun. */
export const placeOf = (lease: LeaseItem, part: string): Place | undefined =>
  (lease as LeaseItem & Places)[`place ${part}`]

/** The lease without the notes of the reaper. */
export function withoutNotes(lease: LeaseItem): FleetItem {
  const kept = Object.entries(lease).filter(([name]) => name !== 'cleared' && !name.startsWith('place '))
  return Object.fromEntries(kept) as unknown as FleetItem
}

/** True if the tables hold nothing of the node any more. */
export function isCleared({ cleared = new Set() }: LeaseItem): boolean {
  return [...cleared].some((one) => {
    const parts = Number(one.split('/')[1])
    return Array.from({ length: parts }, (_, part) => `${part}/${parts}`).every((each) => cleared.has(each))
  })
}

export function createFleet(client: DynamoDBDocumentClient): Fleet {
  const TableName = tableName('Fleet')

  async function scan(comparator: '>' | '<=', nowSeconds: number): Promise<LeaseItem[]> {
    const items: LeaseItem[] = []
    const filter = {
      FilterExpression: `expiresAtSeconds ${comparator} :now`,
      ExpressionAttributeValues: { ':now': nowSeconds },
    }
    for await (const page of paginateScan({ client }, { TableName, ConsistentRead: true, ...filter })) {
      items.push(...((page.Items ?? []) as LeaseItem[]))
    }
    return items
  }

  return {
    register: async (Item) => void (await client.send(new PutCommand({ TableName, Item }))),
    renew: async (lease, nowSeconds) =>
      (await unlessRefused(client.send(renewal(TableName, lease, nowSeconds)))) !== undefined,
    leave: async (node) => void (await client.send(new DeleteCommand({ TableName, Key: { node } }))),
    async has(node) {
      const get = new GetCommand({ TableName, Key: { node }, ConsistentRead: true })
      return (await client.send(get)).Item !== undefined
    },
    alive: (nowSeconds) => scan('>', nowSeconds),
    ended: (nowSeconds) => scan('<=', nowSeconds),
    async stillEnded(leases) {
      const keys = leases.map(({ node }) => ({ node }))
      const present = new Map(
        (await getMany<LeaseItem>(client, 'Fleet', keys)).map((item) => [item.node, item]),
      )
      return new Set(leases.filter((lease) => isSame(lease, present.get(lease.node))).map(({ node }) => node))
    },
    async end(item) {
      const put = new PutCommand({
        TableName,
        Item: { ...withoutNotes(item), draining: true, expiresAtSeconds: ENDED },
        ConditionExpression: 'attribute_not_exists(#node)',
        ExpressionAttributeNames: { '#node': 'node' },
      })
      await unlessRefused(client.send(put))
    },
    async cleared(ended, part) {
      const noted = await unlessRefused(
        client.send(
          new UpdateCommand({
            ...stillThat(TableName, ended, { ':part': new Set([part]) }),
            UpdateExpression: 'ADD cleared :part',
            ReturnValues: 'ALL_NEW',
          }),
        ),
      )
      if (noted === undefined || !isCleared(noted.Attributes as LeaseItem)) return false
      const removed = client.send(new DeleteCommand(stillThat(TableName, ended)))
      return (await unlessRefused(removed)) !== undefined
    },
    async stopped(ended, part, place) {
      const note = new UpdateCommand({
        ...stillThat(TableName, ended, { ':place': place }),
        UpdateExpression: 'SET #place = :place',
        ExpressionAttributeNames: { '#place': `place ${part}` },
      })
      await unlessRefused(client.send(note))
    },
  }
}

/** The write of a lease, on condition that it is the one that ended: a node that came back has another expiry. */
function stillThat(
  TableName: string,
  { node, startedAt, expiresAtSeconds }: LeaseItem,
  values: Readonly<Record<string, unknown>> = {},
) {
  return {
    TableName,
    Key: { node },
    ConditionExpression: 'expiresAtSeconds = :expires AND startedAt = :started',
    ExpressionAttributeValues: { ...values, ':expires': expiresAtSeconds, ':started': startedAt },
  }
}

const isSame = (one: LeaseItem, other: LeaseItem | undefined): boolean =>
  one.expiresAtSeconds === other?.expiresAtSeconds && one.startedAt === other.startedAt

function renewal(
  TableName: string,
  { node, load, draining, expiresAtSeconds }: Lease,
  nowSeconds: number,
): UpdateCommand {
  return new UpdateCommand({
    TableName,
    Key: { node },
    ConditionExpression: 'expiresAtSeconds > :now',
    UpdateExpression: 'SET #load = :load, draining = :draining, expiresAtSeconds = :expires',
    ExpressionAttributeNames: { '#load': 'load' },
    ExpressionAttributeValues: {
      ':load': load,
      ':draining': draining,
      ':expires': expiresAtSeconds,
      ':now': nowSeconds,
    },
  })
}
