/** All Lambda handlers of the system, each behind a local version of its trigger: gateway, event source mapping, schedule. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { createConnect } from '../functions/gateway/connect.ts'
import type { GatewayContext } from '../functions/gateway/context.ts'
import { createDisconnect } from '../functions/gateway/disconnect.ts'
import { createMessage } from '../functions/gateway/message.ts'
import { createJobRunner } from '../functions/jobs/index.ts'
import { createManagement } from '../functions/management.ts'
import { configFrom } from '../functions/rest/config.ts'
import { createContext } from '../functions/rest/context.ts'
import { createHandler } from '../functions/rest/handler.ts'
import type { Failing } from '../functions/rest/health.ts'
import type { StreamContext } from '../functions/streams/context.ts'
import { createFleetReaction } from '../functions/streams/fleet.ts'
import { createIndexHandler } from '../functions/streams/index.ts'
import { createIndexNote } from '../functions/streams/index-note.ts'
import { createMailboxReaction } from '../functions/streams/mailbox.ts'
import { createMembership } from '../functions/streams/membership.ts'
import { createMetadata } from '../functions/streams/metadata.ts'
import { oneReader } from '../functions/streams/one-reader.ts'
import { createPresence } from '../functions/streams/presence.ts'
import { createReaper } from '../functions/streams/reaper.ts'
import type { DeliverContext } from '../functions/webhooks/deliver.ts'
import { createEventNote } from '../functions/webhooks/events.ts'
import { createWebhookSchedule, createWebhookStream } from '../functions/webhooks/index.ts'
import { createPost } from '../functions/webhooks/post.ts'
import { createConnections } from '../shared/store/connections.ts'
import { freePort } from './engine.ts'
import { startGateway } from './gateway.ts'
import { createSweep, startSchedule } from './schedule.ts'
import type { Secrets } from './secrets.ts'
import { type Mapping, type Streams, startStreams } from './streams.ts'

export interface FunctionsOptions {
  readonly client: DynamoDBDocumentClient
  /** Endpoint of DynamoDB. */
  readonly endpoint: string
  /** Region, if the endpoint distinguishes them. */
  readonly region?: string | undefined
  /** Milliseconds between two reads of an idle stream. */
  readonly idleMs?: number | undefined
  readonly secrets: Secrets
  readonly http: { readonly host: string; readonly port: number }
  readonly data: string | undefined
  readonly ticketMs?: number | undefined
  /** Returns why the nodes are not serving, for `/v1/health`; undefined if they are. */
  readonly nodesFailing?: (() => string | undefined) | undefined
  /** Names of proxies through which peers reach INDEX, in addition to INDEX_HOSTS. */
  readonly indexHosts?: readonly string[] | undefined
  readonly log: (line: string) => void
}

export interface Functions {
  readonly index: string
  readonly websocket: string
  close(): Promise<void>
}

/** Interval of the reaper. It runs once a minute in the cloud; a query every few seconds costs nothing here. */
const REAP_EVERY_MS = 5_000

export async function startFunctions(options: FunctionsOptions): Promise<Functions> {
  const { client, endpoint, region, idleMs, data, log, http } = options
  const port = http.port || (await freePort())
  const authority = http.host.includes(':') ? `[${http.host}]:${port}` : `${http.host}:${port}`
  const management = createManagement(`http://${authority}`)
  const context = { client, management, now: Date.now }
  let streams: Streams | undefined
  const failing = () => failingOf(streams, options)
  const gateway = await startGateway({
    host: http.host,
    port,
    rest: createHandler(restContext(options, `ws://${authority}/ws`, failing)),
    websocket: websocketHandlers(gatewayContext(options, context)),
  })
  streams = await startStreams({
    endpoint,
    region,
    idleMs,
    data,
    mappings: mappings(context),
    onFailure: ({ name, reason }) => log(`${name}: a record was given up: ${reason}`),
  })
  const reaper = startSchedule({ name: 'reaper', everyMs: REAP_EVERY_MS, handler: createReaper(context) })
  const deliveries: DeliverContext = { client, post: createPost({ toPrivate: true }), now: Date.now }
  const webhooks = startSchedule({
    name: 'webhooks',
    everyMs: REAP_EVERY_MS,
    handler: createWebhookSchedule(deliveries),
  })
  const sweepExpired = createSweep(client)
  const jobs = startSchedule({
    name: 'jobs',
    everyMs: REAP_EVERY_MS,
    handler: createJobRunner(context),
  })
  const sweep = startSchedule({
    name: 'expiry',
    everyMs: REAP_EVERY_MS,
    handler: () => sweepExpired(Date.now() / 1000),
  })
  return {
    index: gateway.url,
    websocket: gateway.websocketUrl,
    async close() {
      await Promise.all([reaper.close(), jobs.close(), webhooks.close(), sweep.close(), streams?.close()])
      await gateway.close()
    },
  }
}

function failingOf(streams: Streams | undefined, { nodesFailing }: FunctionsOptions): Failing {
  const found = { streams: streams?.failing(), nodes: nodesFailing?.() }
  return Object.fromEntries(Object.entries(found).filter(([, reason]) => reason !== undefined))
}

function restContext(
  { client, secrets, ticketMs, indexHosts = [] }: FunctionsOptions,
  websocket: string,
  failing: () => Failing,
) {
  const { OIDC_ISSUER, OIDC_AUDIENCE, INDEX_HOSTS } = process.env
  const env = {
    TICKET_KEY: JSON.stringify(secrets.ticketKey),
    TICKET_MS: ticketMs?.toString(),
    WEBSOCKET_URL: websocket,
    OIDC_ISSUER,
    OIDC_AUDIENCE,
    WEBHOOKS_TO_PRIVATE: '1',
    INDEX_HOSTS: [...indexHosts, ...(INDEX_HOSTS ? [INDEX_HOSTS] : [])].join(),
  }
  return createContext(configFrom(env), client, Date.now, failing)
}

function gatewayContext({ client, secrets }: FunctionsOptions, context: StreamContext): GatewayContext {
  const fleetKeys = [Buffer.from(secrets.fleetKey, 'base64')]
  const { GATEWAY_HOSTS: hosts } = process.env
  return { ...context, fleetKeys, connections: createConnections(client), ...(hosts && { hosts }) }
}

function websocketHandlers(context: GatewayContext) {
  return {
    connect: createConnect(context),
    disconnect: createDisconnect(context),
    message: createMessage(context),
  }
}

/** The event source mappings. Each stream has one reader, as in the cloud. */
function mappings(context: StreamContext): Mapping[] {
  const index = createIndexHandler(context.client)
  const notes = [createIndexNote(context.client), createEventNote(context.client)]
  const metadata = oneReader(createMetadata(context), ...notes)
  const webhooks = createWebhookStream({
    client: context.client,
    post: createPost({ toPrivate: true }),
    now: context.now,
  })
  const described = (['Users', 'Networks', 'Peers', 'Objects', 'Blocks'] as const).map(
    (table): Mapping => ({ table, name: 'metadata', handler: metadata }),
  )
  return [
    ...described,
    { table: 'Collections', name: 'index', handler: index },
    { table: 'IndexQueue', name: 'index', handler: index },
    { table: 'Presence', name: 'presence', handler: oneReader(createPresence(context), ...notes) },
    { table: 'Memberships', name: 'membership', handler: oneReader(createMembership(context), ...notes) },
    { table: 'Mailbox', name: 'mailbox', handler: createMailboxReaction(context) },
    { table: 'Deliveries', name: 'webhooks', handler: webhooks },
    { table: 'Fleet', name: 'fleet', handler: createFleetReaction(context) },
  ]
}
