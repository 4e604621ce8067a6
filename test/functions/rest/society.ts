/** Users, their peers and networks, created in the tables of an INDEX, wherever it runs. */
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb'
import { SignJWT } from 'jose'
import { type NetworkId, type NodeId, type PeerId, peerIdOf, type UserId } from '../../../shared/ids.ts'
import type { Role } from '../../../shared/model/membership.ts'
import type { PresenceItem } from '../../../shared/presence.ts'
import { tableName } from '../../../shared/store/client.ts'
import { createMemberships } from '../../../shared/store/memberships.ts'
import { createNetworks } from '../../../shared/store/networks.ts'
import { createPeers } from '../../../shared/store/peers.ts'
import { createUsers } from '../../../shared/store/users.ts'
import { expectContract } from './contract.ts'

export interface Call {
  /** `Bearer` credential. */
  readonly as?: string | undefined
  readonly body?: unknown
  /** A body in the form in which API Gateway passes bytes. */
  readonly base64?: string
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

/** An enrolled peer and its ticket. */
export interface Enrolled extends Device {
  readonly user: UserId
  readonly ticket: string
}

/** An INDEX and the tables behind it. */
export interface Index {
  readonly client: DynamoDBDocumentClient
  call(door: string, call?: Call): Promise<Answer>
  /** API keys of both roles. */
  readonly admin: string
  readonly reader: string
  /** Host name of INDEX, for which proofs are made. */
  readonly host: string
  now(): number
}

export type Society = ReturnType<typeof createSociety>

export function createSociety(index: Index) {
  const { client, now } = index
  const aud = `straightway-index://${index.host}`

  async function call(door: string, given?: Call): Promise<Answer> {
    const answer = await index.call(door, given)
    expectContract(door, answer)
    if (answer.status < 400) return answer
    // Answers are compared, and the id of its request is what two of them cannot share. It is in a header too.
    const { request: _, ...body } = answer.body ?? {}
    return { ...answer, body: answer.body === undefined ? undefined : body }
  }

  return {
    ...index,
    call,
    proofOf: (device: Device, claims: Partial<ProofClaims> = {}) =>
      proofOf(device, { aud, iat: now(), ...claims }),

    async network(name = 'network'): Promise<NetworkId> {
      return (await createNetworks(client).create({ name }, now())).network
    },

    /** Makes a user with a peer, with the given role in each network. */
    async member(roles: Readonly<Record<NetworkId, Role>>, name = 'somebody'): Promise<Enrolled> {
      const { user } = await createUsers(client).create({ name }, now())
      for (const [network, role] of Object.entries(roles)) {
        await createMemberships(client).put({ network: network as NetworkId, user, role }, now())
      }
      const device = newDevice()
      await createPeers(client).bind({ peer: device.peer, user, name: `${name}'s` }, now())
      const proof = await proofOf(device, { aud, iat: now() })
      const { body } = await call('POST /v1/tickets', { body: { proof } })
      return { ...device, user, ticket: body.ticket }
    },

    /** Writes what a node writes when the peer has signed in. */
    async present(
      { peer, user }: Pick<Enrolled, 'peer' | 'user'>,
      says: Partial<PresenceItem> = {},
    ): Promise<void> {
      const node = 'node' in says ? says.node : ('node_aaaaaaaa' as NodeId)
      const item = {
        peer,
        user,
        status: 'online',
        custom: '',
        metadata: {},
        since: now(),
        version: 1,
        lastSeenAt: now(),
        networks: [],
        ...says,
        node,
      }
      await client.send(new PutCommand({ TableName: tableName('Presence'), Item: item }))
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
  /** In milliseconds. */
  readonly iat: number
  readonly jti: string
  readonly typ: string
}

const newId = (): string => randomBytes(16).toString('base64url')

export function proofOf(
  { peer, key }: Device,
  { sub = peer, aud = 'straightway-index://index.test', iat = 0, jti = newId(), typ }: Partial<ProofClaims>,
) {
  return new SignJWT()
    .setProtectedHeader({ alg: 'EdDSA', typ: typ ?? 'straightway-proof+jwt' })
    .setSubject(sub)
    .setAudience(aud)
    .setJti(jti)
    .setIssuedAt(Math.floor(iat / 1000))
    .sign(key)
}
