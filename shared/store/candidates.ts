/** Reading the index by a plan: what may match, and which of several plans to take. */
import { type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { LIMITS } from '../limits.ts'
import type { Plan, Range } from '../model/search/plan.ts'
import { tableName } from './client.ts'
import { termOf } from './index-entries.ts'
import type { Position } from './positions.ts'
import { indexNameOf, type Kind } from './records.ts'

export interface Walk {
  readonly ranges: readonly Range[]
  /** Which plan the ranges are of. */
  readonly plan: number
  /** Begins after it; at the start without. */
  readonly from: Position | undefined
}

const BATCH = LIMITS.pageSize
/** A plan is tried in so many scopes to see how much it selects. */
const PROBED_SCOPES = 3

/** Where entries of the plan are, a batch at a time, in the order of scope, range of the plan, entry. */
export async function* candidates(
  client: DynamoDBDocumentClient,
  kind: Kind,
  scopes: readonly string[],
  { ranges, plan, from }: Walk,
): AsyncGenerator<readonly Position[]> {
  for (const scope of scopes) {
    if (from !== undefined && scope < from.scope) continue
    const resumed = scope === from?.scope ? from : undefined
    for (const [range, bounds] of ranges.entries()) {
      if (resumed !== undefined && range < resumed.range) continue
      let after = range === resumed?.range ? resumed.entry : undefined
      do {
        const page = await readRange(
          client,
          termOf(indexNameOf(kind), scope, bounds.attribute),
          bounds,
          after,
        )
        if (page.entries.length > 0) yield page.entries.map((entry) => ({ plan, scope, range, entry }))
        after = page.next
      } while (after !== undefined)
    }
  }
}

async function readRange(
  client: DynamoDBDocumentClient,
  term: string,
  bounds: Range,
  after: string | undefined,
) {
  const query = new QueryCommand({
    ...within(term, bounds),
    Limit: BATCH,
    ...(after !== undefined && { ExclusiveStartKey: { term, entry: after } }),
  })
  const { Items = [], LastEvaluatedKey } = await client.send(query)
  return {
    entries: Items.map(({ entry }) => entry as string),
    next: LastEvaluatedKey?.entry as string | undefined,
  }
}

/** The plan of the fewest entries, counted up to a page; there is nothing to choose from one. */
export async function mostSelective(
  client: DynamoDBDocumentClient,
  kind: Kind,
  scopes: readonly string[],
  plans: readonly Plan[],
): Promise<number> {
  if (plans.length === 1) return 0
  const name = indexNameOf(kind)
  const probed = scopes.slice(0, PROBED_SCOPES)
  const counts = await Promise.all(
    plans.map(async ({ ranges }) => {
      const reads = probed.flatMap((scope) =>
        ranges.map((range) => countRange(client, termOf(name, scope, range.attribute), range)),
      )
      return (await Promise.all(reads)).reduce((sum, count) => sum + count, 0)
    }),
  )
  return counts.indexOf(Math.min(...counts))
}

async function countRange(client: DynamoDBDocumentClient, term: string, bounds: Range): Promise<number> {
  const reply = await client.send(
    new QueryCommand({ ...within(term, bounds), Select: 'COUNT', Limit: BATCH }),
  )
  return reply.Count ?? 0
}

function within(term: string, { from, to }: Range) {
  return {
    TableName: tableName('SearchTerms'),
    KeyConditionExpression: 'term = :term AND entry BETWEEN :from AND :to',
    ExpressionAttributeValues: { ':term': term, ':from': from, ':to': to },
  }
}
