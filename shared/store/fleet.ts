/**
 * The leases of nodes. A node registers, renews its lease before it ends, reports when it drains, and leaves. A node
 * whose lease has ended counts as dead: the reaper clears it away. Its workers note on the lease which parts of the
 * tables they have cleared, and the last one removes it.
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

/**
 * A lease as the tables hold it. `cleared`: the parts of the tables that were cleared since it ended, as `part/parts`.
 */
export type LeaseItem = FleetItem & { readonly cleared?: ReadonlySet<string> }

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
  ended(nowSeconds: number): Promise<FleetItem[]>
  /**
   * Puts the lease of a removed node back as an ended one, for the reaper. A node that has registered again keeps its
   * own.
   */
  end(item: FleetItem): Promise<void>
  /**
   * Notes that a part of the tables holds nothing of a node whose lease has ended, and removes the lease once all
   * parts are cleared. True if it was removed. A node that has registered again keeps its own lease.
   */
  cleared(node: NodeId, part: number, parts: number, nowSeconds: number): Promise<boolean>
}

/** An expiry more than five years ago. DynamoDB's TTL ignores these, so the item stays until the reaper removes it. */
const ENDED = 1

/** Whether the lease was put back by `end`. Nodes know then that its node is gone. */
export const isPutBack = ({ expiresAtSeconds }: FleetItem): boolean => expiresAtSeconds === ENDED

/** Whether the tables hold nothing of the node any more. */
export function isCleared({ cleared = new Set() }: LeaseItem): boolean {
  return [...cleared].some((one) => {
    const parts = Number(one.split('/')[1])
    return Array.from({ length: parts }, (_, part) => `${part}/${parts}`).every((each) => cleared.has(each))
  })
}

export function createFleet(client: DynamoDBDocumentClient): Fleet {
  const TableName = tableName('Fleet')

  async function scan(comparator: '>' | '<=', nowSeconds: number): Promise<FleetItem[]> {
    const items: FleetItem[] = []
    const filter = {
      FilterExpression: `expiresAtSeconds ${comparator} :now`,
      ExpressionAttributeValues: { ':now': nowSeconds },
    }
    for await (const page of paginateScan({ client }, { TableName, ConsistentRead: true, ...filter })) {
      items.push(...((page.Items ?? []) as FleetItem[]))
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
    async end(item) {
      const put = new PutCommand({
        TableName,
        Item: { ...withoutMarks(item), draining: true, expiresAtSeconds: ENDED },
        ConditionExpression: 'attribute_not_exists(#node)',
        ExpressionAttributeNames: { '#node': 'node' },
      })
      await unlessRefused(client.send(put))
    },
    async cleared(node, part, parts, nowSeconds) {
      const ended = { TableName, Key: { node }, ConditionExpression: 'expiresAtSeconds <= :now' }
      const note = new UpdateCommand({
        ...ended,
        UpdateExpression: 'ADD cleared :part',
        ExpressionAttributeValues: { ':now': nowSeconds, ':part': new Set([`${part}/${parts}`]) },
        ReturnValues: 'ALL_NEW',
      })
      const noted = await unlessRefused(client.send(note))
      if (noted === undefined || !isCleared(noted.Attributes as LeaseItem)) return false
      const remove = new DeleteCommand({ ...ended, ExpressionAttributeValues: { ':now': nowSeconds } })
      return (await unlessRefused(client.send(remove))) !== undefined
    },
  }
}

const withoutMarks = ({ cleared: _, ...item }: LeaseItem): FleetItem => item

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
