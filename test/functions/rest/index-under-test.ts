import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { PutCommand } from '@aws-sdk/lib-dynamodb'
import type { APIGatewayProxyEvent, Context as LambdaContext } from 'aws-lambda'
import { exportJWK, SignJWT } from 'jose'
import type { RestConfig } from '../../../functions/rest/config.ts'
import { createContext } from '../../../functions/rest/context.ts'
import { createHandler } from '../../../functions/rest/handler.ts'
import { createIndexHandler } from '../../../functions/streams/index.ts'
import { startStreams } from '../../../local/streams.ts'
import { type NetworkId, type NodeId, type PeerId, peerIdOf, type UserId } from '../../../shared/ids.ts'
import { LIMITS } from '../../../shared/limits.ts'
import type { Role } from '../../../shared/model/membership.ts'
import type { PresenceItem } from '../../../shared/presence.ts'
import { createApiKey } from '../../../shared/store/api-keys.ts'
import { putMembership } from '../../../shared/store/memberships.ts'
import { bindPeer } from '../../../shared/store/peers.ts'
import { createUser } from '../../../shared/store/users.ts'
import { startTables } from '../../local/tables-under-test.ts'

export interface Call {
  /** `Bearer` credential. */
  readonly as?: string | undefined
  readonly body?: unknown
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests say what they expect of a body
  readonly body: any
  readonly headers: Readonly<Record<string, string>>
}

export interface Device {
  readonly peer: PeerId
  readonly key: KeyObject
}

/** A peer that is enrolled, with its ticket. */
export interface Enrolled extends Device {
  readonly user: UserId
  readonly ticket: string
}

export type IndexUnderTest = Awaited<ReturnType<typeof startIndex>>

/** INDEX on real tables, its streams behind it unless told; time stands still until a test moves it. */
export async function startIndex(given: Partial<RestConfig> = {}, { indexed = true } = {}) {
  const tables = await startTables()
  const { client } = tables
  let now = Date.now()
  const config: RestConfig = {
    ticketKey: await newTicketKey(),
    retiringTicketKeys: [],
    ticketMs: LIMITS.ticketMs,
    websocket: 'ws://here',
    ...given,
  }
  const context = createContext(config, client, () => now)
  const handler = createHandler(context)
  const entering = createIndexHandler(client)
  const sources = ['Users', 'Networks', 'Peers', 'Objects', 'Collections', 'Presence', 'Memberships'] as const
  const mappings = indexed ? sources.map((table) => ({ table, name: 'index', handler: entering })) : []
  const streams = await startStreams({ endpoint: tables.endpoint, mappings })

  async function call(door: string, { as, body, query, headers }: Call = {}): Promise<Answer> {
    const [httpMethod, path] = door.split(' ') as [string, string]
    const event = {
      httpMethod,
      path,
      headers: { ...headers, ...(as && { Authorization: `Bearer ${as}` }) },
      queryStringParameters: query ?? null,
      pathParameters: { proxy: path.slice(1) },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
      isBase64Encoded: false,
    } as unknown as APIGatewayProxyEvent
    const reply = await handler(event, {} as LambdaContext)
    const text = reply.body
    return {
      status: reply.statusCode,
      body: text === '' ? undefined : JSON.parse(text),
      headers: (reply.headers ?? {}) as Record<string, string>,
    }
  }

  const admin = (await createApiKey(client, { name: 'admin', role: 'admin' }, now)).token
  const reader = (await createApiKey(client, { name: 'reader', role: 'read' }, now)).token

  return {
    client,
    call,
    admin,
    reader,
    config,
    handler: entering,
    now: () => now,
    pass: (ms: number) => {
      now += ms
    },
    /** Until the index has followed every write; a collection declared anew takes a round for every step. */
    settle: async (rounds = 1) => {
      for (let round = 0; round < rounds; round++) await streams.drain()
    },
    proofOf: (device: Device, claims: Partial<ProofClaims> = {}) => proofOf(device, { iat: now, ...claims }),

    async network(name = 'network'): Promise<NetworkId> {
      return (await call('POST /v1/networks', { as: admin, body: { name } })).body.network
    },

    /** A user with a peer, a member of the networks by the role given for each. */
    async member(roles: Readonly<Record<NetworkId, Role>>, name = 'somebody'): Promise<Enrolled> {
      const { user } = await createUser(client, { name }, now)
      for (const [network, role] of Object.entries(roles)) {
        await putMembership(client, { network: network as NetworkId, user, role }, now)
      }
      const device = newDevice()
      await bindPeer(client, { peer: device.peer, user, name: `${name}'s` }, now)
      const { body } = await call('POST /v1/tickets', {
        body: { proof: await proofOf(device, { iat: now }) },
      })
      return { ...device, user, ticket: body.ticket }
    },

    /** What a node writes when the peer has signed in. */
    async present(
      { peer, user }: Pick<Enrolled, 'peer' | 'user'>,
      says: Partial<PresenceItem> = {},
    ): Promise<void> {
      const item: PresenceItem = {
        peer,
        user,
        status: 'online',
        custom: '',
        metadata: {},
        since: now,
        version: 1,
        lastSeenAt: now,
        node: 'node_aaaaaaaa' as NodeId,
        networks: [],
        ...says,
      }
      await client.send(new PutCommand({ TableName: 'Presence', Item: item }))
    },

    async close() {
      await streams.close()
      await tables.close()
    },
  }
}

export function newDevice(): Device {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const { x } = publicKey.export({ format: 'jwk' })
  return { peer: peerIdOf(Buffer.from(x!, 'base64url')), key: privateKey }
}

export interface ProofClaims {
  readonly sub: string
  readonly aud: string
  /** Milliseconds. */
  readonly iat: number
  readonly typ: string
}

export function proofOf(
  { peer, key }: Device,
  { sub = peer, aud = 'straightway', iat = 0, typ }: Partial<ProofClaims>,
) {
  return new SignJWT()
    .setProtectedHeader({ alg: 'EdDSA', typ: typ ?? 'straightway-proof+jwt' })
    .setSubject(sub)
    .setAudience(aud)
    .setIssuedAt(Math.floor(iat / 1000))
    .sign(key)
}

export async function newTicketKey(kid = 'k1'): Promise<RestConfig['ticketKey']> {
  const { privateKey } = generateKeyPairSync('ed25519')
  const { x, d } = await exportJWK(privateKey)
  return { kty: 'OKP', crv: 'Ed25519', kid, x: x!, d: d! }
}
