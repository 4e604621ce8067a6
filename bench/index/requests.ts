/** Requests of a member to INDEX, with the table reads that each costs. */

import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { APIGatewayProxyEvent, Context as LambdaContext } from 'aws-lambda'
import type { RestConfig } from '../../functions/rest/config.ts'
import { createContext } from '../../functions/rest/context.ts'
import { createHandler } from '../../functions/rest/handler.ts'
import { StraightwayError } from '../../shared/errors.ts'
import { Meter, metered } from '../../shared/store/meter.ts'
import { COLLECTION, LARGE, type Society } from './society.ts'

export interface RequestCost {
  readonly name: string
  readonly readUnits: number
  readonly calls: number
  readonly ms: number
  readonly items: number
  /** Length of the response body. */
  readonly bytes: number
  /** Upper bounds of the costs. The length of every response is bounded by LIMITS.pageBytes. */
  readonly bound: { readonly readUnits?: number; readonly calls?: number }
}

interface Question {
  readonly name: string
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly bound: RequestCost['bound']
}

const SEARCH_BOUND = { readUnits: 200 }

export function questionsOf({ network, user, peer }: Society): readonly Question[] {
  const find = (name: string, filter: string, bound: RequestCost['bound'], more = {}): Question => ({
    ...{ name, path: `/v1/objects/${COLLECTION}`, bound },
    query: { network, filter, limit: '25', ...more },
  })
  return [
    {
      ...{ name: 'object by id', path: `/v1/objects/${COLLECTION}/o1`, query: { network } },
      bound: { calls: 2 },
    },
    { name: 'network by id', path: `/v1/networks/${network}`, bound: { calls: 2 } },
    { name: 'user by id', path: `/v1/users/${user}`, bound: { calls: 2 } },
    { name: 'peer by id', path: `/v1/peers/${peer}`, bound: { calls: 2 } },
    {
      ...{ name: '100 members with presence', path: `/v1/networks/${network}/members` },
      bound: { readUnits: 30 },
    },
    find('one predicate', 'value.kind eq "chess"', SEARCH_BOUND),
    find('two predicates', 'value.kind eq "chess" and value.level gt 40', SEARCH_BOUND),
    find('three predicates', 'value.kind eq "go" and value.level gt 40 and value.open eq true', SEARCH_BOUND),
    find('a closed range', 'value.level ge 40 and value.level le 44', SEARCH_BOUND),
    find('nothing found', 'value.kind eq "go" and value.level gt 1000', SEARCH_BOUND),
    find('undeclared attribute', 'value.turn eq 3', SEARCH_BOUND),
    find('sorted', 'value.open eq true', SEARCH_BOUND, { sortBy: 'value.level', sortOrder: 'descending' }),
    {
      ...{ name: 'peers online', path: '/v1/peers', query: { filter: 'status eq "online"', limit: '25' } },
      bound: SEARCH_BOUND,
    },
    { name: 'large objects', path: `/v1/objects/${LARGE}`, query: { limit: '100' }, bound: SEARCH_BOUND },
    { name: 'one large object', path: `/v1/objects/${LARGE}`, query: { limit: '1' }, bound: SEARCH_BOUND },
  ]
}

/** Measures each request. Errors: `internal` if INDEX does not answer with 200. */
export async function costsOf(
  client: DynamoDBDocumentClient,
  society: Society,
  config: RestConfig,
): Promise<RequestCost[]> {
  const { ticketKeys } = createContext(config, client)
  const { ticket } = await ticketKeys.issue(society.peer, society.user, Date.now())
  const costs: RequestCost[] = []
  for (const question of questionsOf(society)) costs.push(await costOf(client, config, ticket, question))
  return costs
}

async function costOf(
  client: DynamoDBDocumentClient,
  config: RestConfig,
  ticket: string,
  { name, path, query, bound }: Question,
): Promise<RequestCost> {
  const meter = new Meter()
  const handler = createHandler(createContext(config, metered(client, meter)))
  const event = {
    ...{
      httpMethod: 'GET',
      path,
      pathParameters: { proxy: path.slice(1) },
      body: null,
      isBase64Encoded: false,
    },
    ...{ headers: { Authorization: `Bearer ${ticket}` }, queryStringParameters: query ?? null },
  } as unknown as APIGatewayProxyEvent
  const begun = performance.now()
  const { statusCode, body } = await handler(event, {} as LambdaContext)
  const ms = performance.now() - begun
  if (statusCode !== 200) throw new StraightwayError('internal', `${name}: ${statusCode} ${body}`)
  const { items } = JSON.parse(body) as { items?: unknown[] }
  return {
    name,
    readUnits: meter.units,
    calls: meter.calls,
    ms,
    items: items?.length ?? 1,
    bytes: Buffer.byteLength(body),
    bound,
  }
}
