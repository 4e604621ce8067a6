/**
 * The schemas of what INDEX answers. Their types are those of shared/resources.ts: a schema that differs from its
 * type does not compile.
 */
import { z } from 'zod'
import type { NodeId } from '../../shared/ids.ts'
import { networkIdSchema, peerIdSchema, userIdSchema } from '../../shared/model/identifiers.ts'
import { jobIdSchema } from '../../shared/model/job.ts'
import { ROLES, STATES } from '../../shared/model/membership.ts'
import { JOININGS } from '../../shared/model/network.ts'
import { VISIBILITIES } from '../../shared/model/visibility.ts'
import { PATHS } from '../../shared/paths.ts'
import type { Metadata } from '../../shared/presence.ts'
import type {
  ApiKeyRecord,
  AuditRecord,
  CollectionRecord,
  InviteRecord,
  JobRecord,
  MemberRecord,
  MembershipRecord,
  NetworkRecord,
  NodeRecord,
  ObjectRecord,
  PeerRecord,
  TicketRecord,
  UserDetails,
  UserRecord,
} from '../../shared/resources.ts'
import { json, kept, maker, of, time } from './answer-parts.ts'
import type { Health } from './health.ts'

const node = z
  .custom<NodeId>((value) => typeof value === 'string' && value.startsWith('node_'))
  .meta({ type: 'string' })
const role = z.enum(ROLES)
const status = z.enum(['online', 'away', 'busy', 'invisible', 'offline', 'unknown'])

const user = { user: userIdSchema, name: z.string(), attributes: json, ...kept }
export const userAnswer = of<UserRecord>()(z.strictObject(user))
export const userDetailsAnswer = of<UserDetails>()(
  z.strictObject({ ...user, subject: z.string().optional(), networks: z.array(networkIdSchema) }),
)

export const networkAnswer = of<NetworkRecord>()(
  z.strictObject({
    network: networkIdSchema,
    name: z.string(),
    attributes: json,
    paths: z.enum(PATHS),
    joining: z.enum(JOININGS),
    owners: z.int().min(0),
    ...kept,
  }),
)

const metadata = z
  .custom<Metadata>((value) => typeof value === 'object' && value !== null)
  .meta({ type: 'object' })
const presence = z.strictObject({
  status,
  custom: z.string(),
  metadata,
  since: time,
  version: z.int().min(0),
  lastSeenAt: time,
})
const peer = { peer: peerIdSchema, user: userIdSchema, name: z.string(), attributes: json, ...kept }
export const storedPeerAnswer = z.strictObject({ ...peer, revokedAt: time.optional() })
export const peerAnswer = of<PeerRecord>()(z.strictObject({ ...peer, revokedAt: time.optional(), presence }))

const membership = {
  network: networkIdSchema,
  user: userIdSchema,
  role,
  state: z.enum(STATES),
  by: maker.optional(),
  changedAt: time,
  joinedAt: time.optional(),
  invite: z.string().optional(),
}
export const membershipAnswer = of<MembershipRecord>()(z.strictObject(membership))
export const memberAnswer = of<MemberRecord>()(
  z.strictObject({
    ...membership,
    name: z.string(),
    presence: z.strictObject({
      status,
      custom: z.string(),
      lastSeenAt: time,
      peer: peerIdSchema.optional(),
    }),
  }),
)

export const objectAnswer = of<ObjectRecord>()(
  z.strictObject({
    collection: z.string(),
    id: z.string(),
    network: networkIdSchema.optional(),
    owner: userIdSchema.optional(),
    value: json,
    ...kept,
  }),
)

const invite = {
  invite: z.string(),
  prefix: z.string(),
  network: networkIdSchema,
  role: role.optional(),
  user: userIdSchema.optional(),
  uses: z.int().min(1),
  used: z.int().min(0),
  by: maker.optional(),
  createdAt: time,
  expiresAt: time,
}
export const inviteAnswer = of<InviteRecord>()(z.strictObject(invite))
export const madeInviteAnswer = z.strictObject({ ...invite, code: z.string() })

export const collectionAnswer = of<CollectionRecord>()(
  z.strictObject({
    collection: z.string(),
    searchable: z.array(z.string()),
    indexed: z.array(z.string()),
    editable: z.enum(['owner', 'members']),
    visibility: z.record(z.string(), z.enum(VISIBILITIES)),
    ...kept,
  }),
)

const apiKey = {
  key: z.string(),
  name: z.string(),
  role: z.enum(['admin', 'read']),
  createdAt: time,
  operations: z.array(z.string()).optional(),
  networks: z.array(networkIdSchema).optional(),
  collections: z.array(z.string()).optional(),
  expiresAt: time.optional(),
  rotatedAt: time.optional(),
  lastUsedAt: time.optional(),
}
export const apiKeyAnswer = of<ApiKeyRecord>()(z.strictObject(apiKey))
export const madeApiKeyAnswer = z.strictObject({ ...apiKey, token: z.string() })

export const jobAnswer = of<JobRecord>()(
  z.strictObject({
    job: jobIdSchema,
    kind: z.enum(['delete-network', 'delete-user']),
    subject: z.union([networkIdSchema, userIdSchema]),
    state: z.enum(['running', 'done']),
    step: z.string(),
    by: maker.optional(),
    createdAt: time,
    updatedAt: time,
    runs: z.int().min(0),
    failure: z.string().optional(),
  }),
)

export const auditAnswer = of<AuditRecord>()(
  z.strictObject({
    entry: z.string(),
    at: time,
    operation: z.string(),
    by: maker.optional(),
    peer: peerIdSchema.optional(),
    request: z.string(),
    subject: z.string(),
    about: z.string().optional(),
    before: json.optional(),
    after: json.optional(),
  }),
)

const ticket = {
  ticket: z.string(),
  expiresAt: time,
  signInUntil: time,
  user: userIdSchema,
  networks: z.array(networkIdSchema),
}
export const ticketAnswer = of<TicketRecord>()(z.strictObject(ticket))
export const enrolmentAnswer = z.strictObject({ ...ticket, peer: peerIdSchema })

const addresses = z.array(z.string())
const nodeAnswer = of<NodeRecord>()(
  z.strictObject({
    node,
    publicKey: z.string(),
    checkpoint: addresses,
    handshake: addresses,
    stun: addresses,
    relay: addresses,
    relayTls: z.strictObject({ port: z.int(), pin: z.string() }).optional(),
    region: z.string().optional(),
  }),
)
export const bootstrapAnswer = z.strictObject({
  ticketKeys: z.array(z.strictObject({ kid: z.string(), publicKey: z.string() })),
  nodes: z.array(nodeAnswer),
  websocket: z.string(),
  limits: z.record(z.string(), z.number()),
})

export const healthAnswer = of<Health>()(
  z.strictObject({
    status: z.enum(['ok', 'degraded', 'failing']),
    failing: z.strictObject({
      tables: z.string().optional(),
      streams: z.string().optional(),
      nodes: z.string().optional(),
    }),
  }),
)

/**
 * A page of a listing. `cursor` is absent on the last page. `readUnits` is present in answers to searches: their cost
 * in read units of DynamoDB.
 */
export function pageOf<S extends z.ZodType>(item: S) {
  const readUnits = z.number().min(0).optional()
  return z.strictObject({ items: z.array(item), cursor: z.string().optional(), readUnits })
}
