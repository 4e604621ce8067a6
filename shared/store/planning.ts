/** Chooses the plan of a search, and restores that of a search that continues. */
import { type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb'
import { StraightwayError } from '../errors.ts'
import type { Filter } from '../model/filter/ast.ts'
import {
  LIST_EVERYTHING,
  LIST_PRESENT,
  type Plan,
  plansOf,
  type Searchable,
  sortedPlan,
} from '../model/search/plan.ts'
import { EVERYTHING, isLive, PRESENT } from '../model/search/terms.ts'
import { tableName } from './client.ts'
import { termOf } from './index-changes.ts'
import { invalidCursor, type PlannedAttribute, type Position } from './positions.ts'
import { indexNameOf, type Kind, type SearchableAttributes } from './records.ts'

export interface Planned {
  readonly plan: Plan
  /** The attributes that the plan reads. The cursor holds them, so that the plan can be made again. */
  readonly attributes: readonly PlannedAttribute[]
}

interface Planning {
  readonly kind: Kind
  readonly filter: Filter | undefined
  /** Lower case. */
  readonly sortBy: string | undefined
  readonly searchable: SearchableAttributes
  readonly scopes: readonly string[]
  readonly from: Position | undefined
}

/** Only this many plans are compared, and only those with at most this many ranges. */
const PROBED_PLANS = 4
const PROBED_RANGES = 4
const PROBE = 16

/**
 * The plan of a search. Errors: `bad-request` for an order that no index supports, and for a cursor of another
 * search.
 */
export async function planSearch(client: DynamoDBDocumentClient, planning: Planning): Promise<Planned> {
  const { filter, sortBy, searchable, kind, from } = planning
  const known = searchableBy(searchable, kind)
  if (sortBy !== undefined) {
    if (from === undefined && known(sortBy) === undefined) {
      throw new StraightwayError('bad-request', `sortBy: declare ${sortBy} as searchable first`)
    }
    return { plan: sortedPlan(filter, sortBy), attributes: [{ attribute: sortBy, several: true }] }
  }
  if (from !== undefined && from.attributes.length > 0) return resumed(filter, from.attributes)
  const hasPresent = kind.entity === 'peer' && !planning.scopes.includes(EVERYTHING)
  const plans = plansOf(filter, known, hasPresent).filter((plan) => from === undefined || plan.byId)
  const plan = await mostSelective(client, planning, plans)
  if (plan.byId) return { plan, attributes: [] }
  if (plan.present) return { plan, attributes: [{ attribute: PRESENT, several: false }] }
  return resumed(filter, attributesOf(plan, known))
}

export function searchableBy({ indexed, several }: SearchableAttributes, { entity }: Kind): Searchable {
  return (attribute) => {
    if (!indexed.has(attribute)) return undefined
    if (entity === 'peer' && isLive(attribute)) return 'several'
    return several.has(attribute) ? 'several' : 'one'
  }
}

/**
 * The plan with these attributes, even if declarations have changed meanwhile: earlier entries are kept for as long
 * as a search may last.
 */
function resumed(filter: Filter | undefined, attributes: readonly PlannedAttribute[]): Planned {
  const kinds = new Map(
    attributes.map(({ attribute, several }) => [attribute, several ? 'several' : 'one'] as const),
  )
  if (kinds.has(PRESENT)) return { plan: LIST_PRESENT, attributes }
  const names = [...kinds.keys()].sort().join()
  const plans = plansOf(filter, (attribute) => kinds.get(attribute))
  const plan = plans.find((one) => [...one.attributes].sort().join() === names)
  if (plan === undefined) throw invalidCursor()
  return { plan, attributes }
}

function attributesOf({ attributes }: Plan, known: Searchable): readonly PlannedAttribute[] {
  return attributes.map((attribute) => ({ attribute, several: known(attribute) === 'several' }))
}

/** The plan that reads the fewest entries. Entries are counted in one scope, up to PROBE for each range. */
async function mostSelective(
  client: DynamoDBDocumentClient,
  { kind, scopes }: Planning,
  plans: readonly Plan[],
): Promise<Plan> {
  const [first = LIST_EVERYTHING] = plans
  const [scope] = scopes
  const probed = plans.filter(({ ranges }) => ranges.length <= PROBED_RANGES).slice(0, PROBED_PLANS)
  if (plans.length < 2 || probed.length < 2 || scope === undefined) return first
  const counts = await Promise.all(probed.map((plan) => countOf(client, kind, scope, plan)))
  return probed[counts.indexOf(Math.min(...counts))]!
}

async function countOf(
  client: DynamoDBDocumentClient,
  kind: Kind,
  scope: string,
  { ranges }: Plan,
): Promise<number> {
  const counts = await Promise.all(
    ranges.map(async ({ attribute, from, to }) => {
      const query = new QueryCommand({
        TableName: tableName('SearchTerms'),
        KeyConditionExpression: 'term = :term AND entry BETWEEN :from AND :to',
        ExpressionAttributeValues: {
          ':term': termOf(indexNameOf(kind), scope, attribute),
          ':from': from,
          ':to': to,
        },
        Select: 'COUNT',
        Limit: PROBE,
      })
      return (await client.send(query)).Count ?? 0
    }),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}
