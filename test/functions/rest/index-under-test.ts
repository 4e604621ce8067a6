import { generateKeyPairSync, randomUUID } from 'node:crypto'
import type { APIGatewayProxyEvent, Context as LambdaContext } from 'aws-lambda'
import { exportJWK } from 'jose'
import type { RestConfig } from '../../../functions/rest/config.ts'
import { createContext } from '../../../functions/rest/context.ts'
import { createHandler } from '../../../functions/rest/handler.ts'
import { createIndexHandler } from '../../../functions/streams/index.ts'
import { startStreams } from '../../../local/streams.ts'
import { LIMITS } from '../../../shared/limits.ts'
import { createApiKeys } from '../../../shared/store/api-keys.ts'
import { createDirectory } from '../../../shared/store/directory.ts'
import { Meter, metered } from '../../../shared/store/meter.ts'
import { createPeerSearch } from '../../../shared/store/search.ts'
import { startTables } from '../../local/tables-under-test.ts'
import { asFunction } from '../permitted.ts'
import { type Answer, type Call, createSociety } from './society.ts'

/** Host name of INDEX in requests. */
const HOST = 'index.test'

export type IndexUnderTest = Awaited<ReturnType<typeof startIndex>>

/** Starts INDEX on real tables, by default with its streams. Time stands still until a test moves it. */
export async function startIndex(given: Partial<RestConfig> = {}, { indexed = true } = {}) {
  const tables = await startTables()
  const { client } = tables
  let now = Date.now()
  const config: RestConfig = {
    ticketKey: await newTicketKey(),
    retiringTicketKeys: [],
    ticketMs: LIMITS.signInTicketMs,
    websocket: 'ws://here',
    ...given,
  }
  const context = createContext(config, asFunction(client, 'rest'), () => now)
  const handler = createHandler(context)
  const entering = createIndexHandler(asFunction(client, 'index'))
  const sources = ['Users', 'Networks', 'Peers', 'Objects', 'Collections', 'Presence', 'Memberships'] as const
  const mappings = indexed ? sources.map((table) => ({ table, name: 'index', handler: entering })) : []
  const streams = await startStreams({ endpoint: tables.endpoint, mappings })

  async function ask(
    through: typeof handler,
    door: string,
    { as, body, base64, query, headers }: Call = {},
  ): Promise<Answer> {
    const [httpMethod, address] = door.split(' ') as [string, string]
    const [path, search] = address.split('?') as [string, string?]
    const asked = { ...Object.fromEntries(new URLSearchParams(search)), ...query }
    const event = {
      httpMethod,
      path,
      headers: { ...headers, ...(as && { Authorization: `Bearer ${as}` }) },
      queryStringParameters: Object.keys(asked).length > 0 ? asked : null,
      pathParameters: { proxy: path.slice(1) },
      body: base64 ?? (body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body)),
      isBase64Encoded: base64 !== undefined,
      requestContext: { domainName: HOST, requestId: randomUUID() },
    } as unknown as APIGatewayProxyEvent
    const reply = await through(event, {} as LambdaContext)
    const text = reply.body
    return {
      status: reply.statusCode,
      body: text === '' ? undefined : JSON.parse(text),
      headers: (reply.headers ?? {}) as Record<string, string>,
    }
  }

  const call = (door: string, given?: Call) => ask(handler, door, given)

  /** Like `call`, and returns the cost of its reads as well. */
  async function measured(door: string, given?: Call): Promise<Answer & { readonly cost: Meter }> {
    const cost = new Meter()
    const watched = createHandler(createContext(config, metered(asFunction(client, 'rest'), cost), () => now))
    return { ...(await ask(watched, door, given)), cost }
  }

  const admin = (await createApiKeys(client).create({ name: 'admin', role: 'admin' }, now)).token
  const reader = (await createApiKeys(client).create({ name: 'reader', role: 'read' }, now)).token

  return {
    ...createSociety({ client, call, admin, reader, host: HOST, now: () => now }),
    config,
    endpoint: tables.endpoint,
    /** The directory that nodes use. */
    directory: createDirectory(client, { search: createPeerSearch(client) }),
    measured,
    /** The Lambda of INDEX itself. */
    rest: handler,
    handler: entering,
    pass: (ms: number) => {
      now += ms
    },
    /** Waits until the search index has followed every write. A newly declared collection takes a round for each step. */
    settle: async (rounds = 1) => {
      for (let round = 0; round < rounds; round++) await streams.drain()
    },
    async close() {
      await streams.close()
      await tables.close()
    },
  }
}

export async function newTicketKey(kid = 'k1'): Promise<RestConfig['ticketKey']> {
  const { privateKey } = generateKeyPairSync('ed25519')
  const { x, d } = await exportJWK(privateKey)
  return { kty: 'OKP', crv: 'Ed25519', kid, x: x!, d: d! }
}
