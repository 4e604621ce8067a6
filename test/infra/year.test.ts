/**
 * A year of a deployed system, with the clocks of all parts moved. It has the deployed functions on real tables, warm all the
 * time (the worst case for keys), a node's handling of keys and its lease, and Secrets Manager with the same clock.
 */
import { randomBytes } from 'node:crypto'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { paginateScan } from '@aws-sdk/lib-dynamodb'
import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context, ScheduledEvent } from 'aws-lambda'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { withSecrets } from '../../functions/keys/fresh.ts'
import { handler as rotateKeys } from '../../functions/keys/rotate.ts'
import { contextFrom } from '../../functions/rest/context.ts'
import { createHandler } from '../../functions/rest/handler.ts'
import { createReaper } from '../../functions/streams/reaper.ts'
import { startGateway } from '../../local/gateway.ts'
import { createSweep } from '../../local/schedule.ts'
import { openFleet, sealFleet } from '../../shared/crypto/fleet.ts'
import { verifyTicket } from '../../shared/crypto/ticket.ts'
import { fromBase32, type NodeId } from '../../shared/ids.ts'
import { createApiKeys } from '../../shared/store/api-keys.ts'
import { tableName } from '../../shared/store/client.ts'
import { createFleet } from '../../shared/store/fleet.ts'
import { TABLES, type TableName } from '../../shared/store/tables.ts'
import type { NodeKeys } from '../../udp-edge/config.ts'
import { nodeKeys } from '../../udp-edge/instance/facts.ts'
import { KeyWatch } from '../../udp-edge/instance/key-watch.ts'
import { LEASE_MS } from '../../udp-edge/lease.ts'
import { asFunction } from '../functions/permitted.ts'
import { createSociety, type Enrolled, type Society } from '../functions/rest/society.ts'
import { startTables, type TablesUnderTest } from '../local/tables-under-test.ts'
import { type SecretsUnderTest, startSecrets } from './year/secrets.ts'

const HALF_HOUR_MS = 30 * 60_000
const DAY_MS = 24 * 3600_000
const START = Date.UTC(2026, 11, 1, 3)
const HOST = 'index.test'

let tables: TablesUnderTest
let secrets: SecretsUnderTest
beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: START })
  tables = await startTables()
  secrets = await startSecrets(['busy-ticket', 'busy-fleet', 'quiet-ticket', 'quiet-fleet'])
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.endpoint,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_REGION: 'us-east-1',
    DYNAMODB_ENDPOINT: tables.endpoint,
    SECRETS: 'busy-ticket,busy-fleet,quiet-ticket,quiet-fleet',
    KEY_DAYS: '90',
  })
})
afterAll(async () => {
  vi.useRealTimers()
  await secrets.close()
  await tables.close()
})

type Index = (event: APIGatewayProxyEvent, context: Context) => Promise<APIGatewayProxyResult>

/** A Lambda of INDEX that stays warm, and so caches what it has read for as long as it likes. */
function warmIndex(name: string): Index {
  Object.assign(process.env, { TICKET_SECRET: `${name}-ticket`, WEBSOCKET_URL: 'ws://index.test' })
  const { TICKET_SECRET } = process.env
  const own = withSecrets(contextFrom, createHandler)
  return (event, context) => {
    process.env.TICKET_SECRET = TICKET_SECRET
    return own(event, context)
  }
}

interface Node {
  readonly keys: () => NodeKeys
  look(): Promise<void>
  close(): void
}

async function startNode(env: Readonly<Record<string, string>>, client: SecretsManagerClient): Promise<Node> {
  const read = () => nodeKeys(env, client)
  let keys = await read()
  const watch = new KeyWatch({
    known: keys,
    read,
    tell: (next) => {
      keys = next
    },
    everyMs: 2 ** 31 - 1,
    log: (what, error) => {
      throw new Error(what, { cause: error })
    },
  })
  return { keys: () => keys, look: () => watch.look(), close: () => watch.close() }
}

interface Deployed {
  readonly society: Society
  readonly nodes: readonly Node[]
  /** Returns what the two nodes would reject now: tickets, and data sealed by the other node. */
  refusals(tickets: readonly string[]): string[]
  close(): Promise<void>
}

async function deploy(name: string): Promise<Deployed> {
  const forPeers = warmIndex(name)
  const gateway = await startGateway({ rest: warmIndex(name), websocket: NO_WEBSOCKETS })
  const client = new SecretsManagerClient()
  const env = { INDEX_URL: gateway.url, FLEET_SECRET: `${name}-fleet` }
  const nodes = [await startNode(env, client), await startNode(env, client)]
  const { token: admin } = await createApiKeys(tables.client).create({ name, role: 'admin' }, Date.now())
  const society = createSociety({
    client: tables.client,
    call: async (door, { body, as } = {}) => {
      const [httpMethod, path] = door.split(' ') as [string, string]
      const event = {
        ...{ httpMethod, path, headers: as ? { Authorization: `Bearer ${as}` } : {} },
        ...{ body: JSON.stringify(body), pathParameters: { proxy: path.slice(1) } },
        ...{ queryStringParameters: null, requestContext: { domainName: HOST } },
      } as unknown as APIGatewayProxyEvent
      const reply = await forPeers(event, {} as Context)
      return { status: reply.statusCode, body: JSON.parse(reply.body), headers: {} }
    },
    ...{ admin, reader: admin, host: HOST, now: Date.now },
  })
  return {
    society,
    nodes,
    refusals: (tickets) => nodes.flatMap((node, i) => refusedBy(node, nodes[1 - i]!, tickets)),
    async close() {
      for (const node of nodes) node.close()
      client.destroy()
      await gateway.close()
    },
  }
}

const NO_WEBSOCKETS = { connect: refuse, disconnect: refuse, message: refuse }
async function refuse() {
  return { statusCode: 403 }
}

function refusedBy(node: Node, other: Node, tickets: readonly string[]): string[] {
  const { ticketKeys, fleetKeys } = node.keys()
  const publicKeys = new Map(Object.entries(ticketKeys).map(([kid, key]) => [kid, fromBase32(key)!]))
  const outcomes = tickets.map((ticket) => verifyTicket(ticket, publicKeys, Date.now()))
  const refused = outcomes.flatMap((outcome) => (outcome.ok ? [] : [`ticket ${outcome.status}`]))
  const bytesOf = (keys: NodeKeys) => keys.fleetKeys.map((key) => new Uint8Array(Buffer.from(key, 'base64')))
  const sealed = sealFleet(bytesOf(other.keys())[0]!, 'node', Buffer.from('hello'), randomBytes(24))
  const opened = openFleet(bytesOf({ ticketKeys, fleetKeys }), 'node', sealed)
  return [...refused, ...(opened === undefined ? ['what another node sealed'] : [])]
}

const scheduled = {} as ScheduledEvent
const rotate = () => rotateKeys(scheduled, {} as Context)

/** Gets a ticket for the peer from INDEX, now. */
async function ticketOf(
  { society }: Deployed,
  peer: Enrolled,
): Promise<{ ticket: string; expiresAt: number }> {
  const answer = await society.call('POST /v1/tickets', { body: { proof: await society.proofOf(peer) } })
  expect(answer.status).toBe(200)
  return answer.body
}

/** Days after the start on which keys are created, and on which they begin to sign. */
const TURNS = [90, 91, 180, 181]
/** Half-hours of such a day: the first ones, when only some parts have read the new key, and later ones. */
const HALF_HOURS = [0, 1, 2, 3, 4, 5, 12, 24, 36, 47]

test('busy or quiet, through two rotations no ticket and no node is refused', async () => {
  const [busy, quiet] = [await deploy('busy'), await deploy('quiet')]
  const worker = await busy.society.member({}, 'worker')
  const visitor = await quiet.society.member({}, 'visitor')
  let held: { ticket: string; expiresAt: number }[] = []
  const kids = new Set<string>()
  for (let day = 0; day <= 200; day++) {
    vi.setSystemTime(START + day * DAY_MS)
    await rotate()
    const isTurn = TURNS.includes(day)
    for (const half of isTurn ? HALF_HOURS : [0]) {
      vi.setSystemTime(START + day * DAY_MS + half * HALF_HOUR_MS)
      // The second node refreshes its keys one round after the first, the maximum distance.
      await busy.nodes[half % 2]!.look()
      await quiet.nodes[half % 2]!.look()
      held = [...held.filter(({ expiresAt }) => expiresAt > Date.now()), await ticketOf(busy, worker)]
      expect(busy.refusals(held.map(({ ticket }) => ticket)), `day ${day}, half-hour ${half}`).toEqual([])
      expect(quiet.refusals([]), `day ${day}, half-hour ${half}`).toEqual([])
    }
    if (day % 50 === 0 || isTurn) {
      const { ticket } = await ticketOf(quiet, visitor)
      kids.add(JSON.parse(Buffer.from(ticket.split('.')[0]!, 'base64url').toString()).kid)
      expect(quiet.refusals([ticket]), `day ${day}`).toEqual([])
    }
  }
  expect(kids.size).toBe(3)
  await busy.close()
  await quiet.close()
})

test('after a year of sign-ins, deaths and renewals the tables hold what they held after a day', async () => {
  const fleet = createFleet(tables.client)
  const reap = createReaper({ client: asFunction(tables.client, 'reaper'), now: Date.now })
  const sweep = createSweep(tables.client)
  const year = await deploy('busy')
  const peer = await year.society.member({}, 'traveller')
  const day = async (n: number) => {
    vi.setSystemTime(START + (400 + n) * DAY_MS)
    const node = `node_year${n}` as NodeId
    const expiresAtSeconds = Math.ceil((Date.now() + LEASE_MS) / 1000)
    await fleet.register({ ...LEASE, node, startedAt: Date.now(), expiresAtSeconds })
    await year.society.present(peer, { node, version: n + 1 })
    await ticketOf(year, peer)
    vi.setSystemTime(Date.now() + 3 * LEASE_MS)
    await reap(scheduled, { getRemainingTimeInMillis: () => 60_000 } as Context)
    vi.setSystemTime(Date.now() + DAY_MS / 2)
    await sweep(Date.now() / 1000)
  }
  await day(0)
  const before = await counts()
  for (let n = 1; n <= 365; n += 7) await day(n)
  expect(await counts()).toEqual(before)
  expect(before).toMatchObject({ Fleet: 0, Proofs: 0 })
  const { body } = await year.society.call(`GET /v1/peers/${peer.peer}`, { as: year.society.admin })
  expect(body.presence ?? { status: 'offline' }).toMatchObject({ status: 'offline' })
  await year.close()
})

const LEASE = {
  roles: ['checkpoint' as const],
  publicKey: '',
  addresses: { checkpoint: ['192.0.2.1:3480'] },
  load: 0,
  draining: false,
}

async function counts(): Promise<Readonly<Record<string, number>>> {
  const names = Object.keys(TABLES) as TableName[]
  const entries = names.map(async (name) => {
    let count = 0
    for await (const page of paginateScan({ client: tables.client }, { TableName: tableName(name) }))
      count += page.Count ?? 0
    return [name, count] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}
