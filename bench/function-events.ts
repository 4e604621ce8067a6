/** The first event of each function, and the preparation of the tables for it. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { DeleteCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { marshall } from '@aws-sdk/util-dynamodb'
import { SignJWT } from 'jose'
import type { FunctionName } from '../infra/functions.ts'
import type { NetworkId, NodeId, PeerId, UserId } from '../shared/ids.ts'
import { fleetKeysOf } from '../shared/secrets.ts'
import { itemOfUser, newUser } from '../shared/store/users.ts'
import { SECRET } from './cloud.ts'

export interface FirstEvent {
  readonly event: unknown
  /** Called before each start. */
  readonly prepare?: (client: DynamoDBDocumentClient) => Promise<unknown>
}

const NODE = 'node_benchmrk' as NodeId
const PEER = 'a'.repeat(52) as PeerId
const USER = 'u_aaaaaaaaaaaaaaaa' as UserId
const NETWORK = 'n_aaaaaaaaaaaaaaaa' as NetworkId
const AT = 1_800_000_000_000

const presence = {
  ...{ peer: PEER, user: USER, node: NODE, networks: [NETWORK], status: 'online', custom: '', metadata: {} },
  ...{ since: AT, version: 1, lastSeenAt: AT },
}
const lease = {
  ...{ node: NODE, roles: ['checkpoint'], publicKey: 'key', addresses: { checkpoint: ['127.0.0.1:3480'] } },
  ...{ load: 0, draining: false, startedAt: AT, expiresAtSeconds: AT / 1000 },
}
const user = itemOfUser({ ...newUser({ name: 'Ada' }, AT), user: USER, networks: [NETWORK] })
const CLOCK: FirstEvent = { event: {} }

export async function firstEvents(): Promise<
  Readonly<Record<Exclude<FunctionName, 'canary'> | 'rotation', FirstEvent>>
> {
  const headers = { authorization: `Bearer ${await nodeToken()}` }
  return {
    rest: { event: { httpMethod: 'GET', path: '/v1/bootstrap', headers: {} } },
    connect: { event: { headers, requestContext: { connectionId: 'bench', routeKey: '$connect' } } },
    disconnect: { event: { requestContext: { connectionId: 'bench', routeKey: '$disconnect' } } },
    message: {
      event: { body: '{"kind":"ping"}', requestContext: { connectionId: 'bench', routeKey: '$default' } },
    },
    index: inserted('Users', { user: USER }, user),
    metadata: inserted('Users', { user: USER }, user),
    presence: inserted('Presence', { peer: PEER }, presence),
    membership: inserted(
      'Memberships',
      { network: NETWORK, user: USER },
      { network: NETWORK, user: USER, role: 'member', joinedAt: AT },
    ),
    mailbox: inserted('Mailbox', { peer: PEER, entry: '0' }, { peer: PEER, entry: '0' }),
    fleet: inserted('Fleet', { node: NODE }, lease),
    webhooks: CLOCK,
    reaper: CLOCK,
    jobs: CLOCK,
    fleetMetrics: CLOCK,
    founding: {
      ...CLOCK,
      prepare: (client) => client.send(new DeleteCommand({ TableName: 'ApiKeys', Key: { key: 'first' } })),
    },
    rotation: CLOCK,
  }
}

function inserted(table: string, keys: object, item: object): FirstEvent {
  const image = (value: object): Record<string, AttributeValue> => marshall(value)
  const dynamodb = { Keys: image(keys), NewImage: image(item), SequenceNumber: '1' }
  const eventSourceARN = `arn:aws:dynamodb:local:000000000000:table/${table}/stream/1`
  return { event: { Records: [{ eventName: 'INSERT', eventSourceARN, dynamodb }] } }
}

function nodeToken(): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(NODE)
    .setAudience('straightway-gateway')
    .setIssuedAt()
    .setExpirationTime('1 hour')
    .sign(Buffer.from(fleetKeysOf({ current: SECRET })[0]!, 'base64'))
}
