/** Written by `npm run openapi` from the definitions in functions/rest: what each operation takes and answers. */
// biome-ignore-all format: it is written by a program
import type { NetworkId, PeerId, UserId } from '../../shared/ids.ts'
import type { ApiKeyRecord, AuditRecord, CollectionRecord, DeliveryRecord, InviteRecord, JobRecord, JsonObject, MemberRecord, MembershipRecord, NetworkRecord, ObjectRecord, PeerRecord, StoredPeer, TicketRecord, UserDetails, UserRecord, WebhookRecord } from '../../shared/resources.ts'

/** Types of each operation of INDEX: its path, query, body and answer, and whether it takes If-Match. */
export interface Operations {
  /** Says whether INDEX works. */
  readonly readHealth: {
    readonly path: object
    readonly query: object
    readonly body: undefined
    readonly answer: { readonly status: 'ok' | 'degraded' | 'failing'; readonly failing: { readonly tables?: string; readonly streams?: string; readonly nodes?: string } }
    readonly conditional: false
  }
  /** Ticket keys, nodes and limits: what a peer starts with. */
  readonly readBootstrap: {
    readonly path: object
    readonly query: object
    readonly body: undefined
    readonly answer: { readonly ticketKeys: readonly ({ readonly kid: string; readonly publicKey: string })[]; readonly nodes: readonly ({ readonly node: string; readonly publicKey: string; readonly checkpoint: readonly (string)[]; readonly handshake: readonly (string)[]; readonly stun: readonly (string)[]; readonly relay: readonly (string)[]; readonly relayTls?: { readonly port: number; readonly pin: string }; readonly region?: string })[]; readonly websocket: string; readonly limits: Readonly<Record<string, number>> }
    readonly conditional: false
  }
  /** Bind a peer to a user by an invite or an ID token. */
  readonly createEnrolment: {
    readonly path: object
    readonly query: object
    readonly body: { readonly proof: string; readonly invite?: string; readonly idToken?: string; readonly nonce?: string; readonly name?: string; readonly user?: { readonly name: string } }
    readonly answer: { readonly ticket: string; readonly expiresAt: number; readonly signInUntil: number; readonly user: UserId; readonly networks: readonly (NetworkId)[]; readonly peer: PeerId }
    readonly conditional: false
  }
  /** A ticket for an enrolled peer. */
  readonly createTicket: {
    readonly path: object
    readonly query: object
    readonly body: { readonly proof: string }
    readonly answer: TicketRecord
    readonly conditional: false
  }
  /** This description. */
  readonly readOpenapi: {
    readonly path: object
    readonly query: object
    readonly body: undefined
    readonly answer: { readonly openapi: string }
    readonly conditional: false
  }
  /** Make a user. */
  readonly createUser: {
    readonly path: object
    readonly query: object
    readonly body: { readonly name: string; readonly attributes?: JsonObject; readonly subject?: string }
    readonly answer: UserDetails
    readonly conditional: false
  }
  /** Users of the networks of the caller. */
  readonly listUsers: {
    readonly path: object
    readonly query: { readonly limit?: number; readonly cursor?: string; readonly filter?: string; readonly sortBy?: string; readonly sortOrder?: 'ascending' | 'descending'; readonly network?: NetworkId }
    readonly body: undefined
    readonly answer: { readonly items: readonly (UserRecord)[]; readonly cursor?: string; readonly readUnits?: number }
    readonly conditional: false
  }
  /** A user. */
  readonly readUser: {
    readonly path: { readonly user: UserId }
    readonly query: object
    readonly body: undefined
    readonly answer: UserDetails
    readonly conditional: false
  }
  /** Change name or attributes (merge patch). */
  readonly updateUser: {
    readonly path: { readonly user: UserId }
    readonly query: object
    readonly body: { readonly name?: string; readonly attributes?: JsonObject }
    readonly answer: UserDetails
    readonly conditional: true
  }
  /** Delete a user with its memberships, peers, private objects. */
  readonly deleteUser: {
    readonly path: { readonly user: UserId }
    readonly query: object
    readonly body: undefined
    readonly answer: JobRecord
    readonly conditional: true
  }
  /** Lists the memberships of a user, with invitations and requests. */
  readonly listMemberships: {
    readonly path: { readonly user: UserId }
    readonly query: { readonly limit?: number; readonly cursor?: string }
    readonly body: undefined
    readonly answer: { readonly items: readonly (MembershipRecord)[]; readonly cursor?: string; readonly readUnits?: number }
    readonly conditional: false
  }
  /** Lists the peers and users that a user blocks. */
  readonly listBlocks: {
    readonly path: { readonly user: UserId }
    readonly query: { readonly limit?: number; readonly cursor?: string }
    readonly body: undefined
    readonly answer: { readonly items: readonly (PeerId | UserId)[]; readonly cursor?: string; readonly readUnits?: number }
    readonly conditional: false
  }
  /** Block a peer or a user. */
  readonly putBlock: {
    readonly path: { readonly user: UserId; readonly blocked: PeerId | UserId }
    readonly query: object
    readonly body: undefined
    readonly answer: undefined
    readonly conditional: false
  }
  /** Take a block back. */
  readonly deleteBlock: {
    readonly path: { readonly user: UserId; readonly blocked: PeerId | UserId }
    readonly query: object
    readonly body: undefined
    readonly answer: undefined
    readonly conditional: false
  }
  /** Make a network; a peer becomes its owner. */
  readonly createNetwork: {
    readonly path: object
    readonly query: object
    readonly body: { readonly name: string; readonly attributes?: JsonObject; readonly paths?: 'auto' | 'direct-only' | 'relay-only'; readonly joining?: 'invite' | 'approval' | 'open'; readonly owner?: UserId }
    readonly answer: NetworkRecord
    readonly conditional: false
  }
  /** Networks of the caller. */
  readonly listNetworks: {
    readonly path: object
    readonly query: { readonly limit?: number; readonly cursor?: string; readonly filter?: string; readonly sortBy?: string; readonly sortOrder?: 'ascending' | 'descending'; readonly network?: NetworkId }
    readonly body: undefined
    readonly answer: { readonly items: readonly (NetworkRecord)[]; readonly cursor?: string; readonly readUnits?: number }
    readonly conditional: false
  }
  /** A network. */
  readonly readNetwork: {
    readonly path: { readonly network: NetworkId }
    readonly query: object
    readonly body: undefined
    readonly answer: NetworkRecord
    readonly conditional: false
  }
  /** Change name, attributes, paths or how it is joined (merge patch). */
  readonly updateNetwork: {
    readonly path: { readonly network: NetworkId }
    readonly query: object
    readonly body: { readonly name?: string; readonly attributes?: JsonObject; readonly paths?: 'auto' | 'direct-only' | 'relay-only'; readonly joining?: 'invite' | 'approval' | 'open' }
    readonly answer: NetworkRecord
    readonly conditional: true
  }
  /** Delete a network with its memberships, invites, objects. */
  readonly deleteNetwork: {
    readonly path: { readonly network: NetworkId }
    readonly query: object
    readonly body: undefined
    readonly answer: JobRecord
    readonly conditional: true
  }
  /** Members with their role and presence; for admins also who is in another state. */
  readonly listMembers: {
    readonly path: { readonly network: NetworkId }
    readonly query: { readonly limit?: number; readonly cursor?: string; readonly state?: 'invited' | 'requested' | 'active' | 'suspended' | 'banned' | 'removed' }
    readonly body: undefined
    readonly answer: { readonly items: readonly (MemberRecord)[]; readonly cursor?: string; readonly readUnits?: number }
    readonly conditional: false
  }
  /** A membership. */
  readonly readMember: {
    readonly path: { readonly network: NetworkId; readonly user: UserId }
    readonly query: object
    readonly body: undefined
    readonly answer: MembershipRecord
    readonly conditional: false
  }
  /** Add a member, change its role, suspend or ban it; of oneself: accept, or ask to join. */
  readonly putMember: {
    readonly path: { readonly network: NetworkId; readonly user: UserId }
    readonly query: object
    readonly body: { readonly role?: 'guest' | 'member' | 'admin' | 'owner'; readonly state?: 'active' | 'suspended' | 'banned' }
    readonly answer: MembershipRecord
    readonly conditional: false
  }
  /** Remove a member or lift a ban; of oneself: leave, or decline. */
  readonly deleteMember: {
    readonly path: { readonly network: NetworkId; readonly user: UserId }
    readonly query: object
    readonly body: undefined
    readonly answer: undefined
    readonly conditional: false
  }
  /** Make an invite; its code is told once. */
  readonly createInvite: {
    readonly path: { readonly network: NetworkId }
    readonly query: object
    readonly body: { readonly role?: 'guest' | 'member' | 'admin' | 'owner'; readonly user?: UserId; readonly uses?: number; readonly validMs?: number }
    readonly answer: { readonly invite: string; readonly prefix: string; readonly network: NetworkId; readonly role?: 'guest' | 'member' | 'admin' | 'owner'; readonly user?: UserId; readonly uses: number; readonly used: number; readonly by?: string; readonly createdAt: number; readonly expiresAt: number; readonly code: string }
    readonly conditional: false
  }
  /** Invites by the first letters of their code. */
  readonly listInvites: {
    readonly path: { readonly network: NetworkId }
    readonly query: { readonly limit?: number; readonly cursor?: string }
    readonly body: undefined
    readonly answer: { readonly items: readonly (InviteRecord)[]; readonly cursor?: string; readonly readUnits?: number }
    readonly conditional: false
  }
  /** An invite, without its code. */
  readonly readInvite: {
    readonly path: { readonly invite: string }
    readonly query: object
    readonly body: undefined
    readonly answer: InviteRecord
    readonly conditional: false
  }
  /** Take an invite back. */
  readonly deleteInvite: {
    readonly path: { readonly invite: string }
    readonly query: object
    readonly body: undefined
    readonly answer: undefined
    readonly conditional: false
  }
  /** Bind a peer to a user without an invite. */
  readonly createPeer: {
    readonly path: object
    readonly query: object
    readonly body: { readonly peer: PeerId; readonly user: UserId; readonly name?: string; readonly attributes?: JsonObject }
    readonly answer: StoredPeer
    readonly conditional: false
  }
  /** Peers of the networks of the caller, with presence. */
  readonly listPeers: {
    readonly path: object
    readonly query: { readonly limit?: number; readonly cursor?: string; readonly filter?: string; readonly sortBy?: string; readonly sortOrder?: 'ascending' | 'descending'; readonly network?: NetworkId }
    readonly body: undefined
    readonly answer: { readonly items: readonly (PeerRecord)[]; readonly cursor?: string; readonly readUnits?: number }
    readonly conditional: false
  }
  /** A peer with its presence. */
  readonly readPeer: {
    readonly path: { readonly peer: PeerId }
    readonly query: object
    readonly body: undefined
    readonly answer: PeerRecord
    readonly conditional: false
  }
  /** Change name or attributes (merge patch). */
  readonly updatePeer: {
    readonly path: { readonly peer: PeerId }
    readonly query: object
    readonly body: { readonly name?: string; readonly attributes?: JsonObject }
    readonly answer: PeerRecord
    readonly conditional: true
  }
  /** Revoke a peer. */
  readonly deletePeer: {
    readonly path: { readonly peer: PeerId }
    readonly query: object
    readonly body: undefined
    readonly answer: undefined
    readonly conditional: true
  }
  /** Lists the declared collections; for API keys. */
  readonly listCollections: {
    readonly path: object
    readonly query: { readonly limit?: number; readonly cursor?: string }
    readonly body: undefined
    readonly answer: { readonly items: readonly (CollectionRecord)[]; readonly cursor?: string; readonly readUnits?: number }
    readonly conditional: false
  }
  /** Reads the declaration of a collection; a peer may, if it or a network of it has objects there. */
  readonly readCollection: {
    readonly path: { readonly collection: string }
    readonly query: { readonly network?: NetworkId }
    readonly body: undefined
    readonly answer: CollectionRecord
    readonly conditional: false
  }
  /** Declare what is searchable and who edits. */
  readonly putCollection: {
    readonly path: { readonly collection: string }
    readonly query: object
    readonly body: { readonly searchable?: readonly (string)[]; readonly editable?: 'owner' | 'members'; readonly visibility?: Readonly<Record<string, 'public' | 'network' | 'private'>> }
    readonly answer: CollectionRecord
    readonly conditional: true
  }
  /** Take the declaration of an empty collection back. */
  readonly deleteCollection: {
    readonly path: { readonly collection: string }
    readonly query: object
    readonly body: undefined
    readonly answer: undefined
    readonly conditional: true
  }
  /** Objects of a collection. */
  readonly listObjects: {
    readonly path: { readonly collection: string }
    readonly query: { readonly limit?: number; readonly cursor?: string; readonly filter?: string; readonly sortBy?: string; readonly sortOrder?: 'ascending' | 'descending'; readonly network?: NetworkId }
    readonly body: undefined
    readonly answer: { readonly items: readonly (ObjectRecord)[]; readonly cursor?: string; readonly readUnits?: number }
    readonly conditional: false
  }
  /** Make an object or replace its value; in a network, or private to the caller. */
  readonly putObject: {
    readonly path: { readonly collection: string; readonly id: string }
    readonly query: { readonly network?: NetworkId; readonly owner?: UserId }
    readonly body: { readonly value: JsonObject }
    readonly answer: ObjectRecord
    readonly conditional: true
  }
  /** An object. */
  readonly readObject: {
    readonly path: { readonly collection: string; readonly id: string }
    readonly query: { readonly network?: NetworkId; readonly owner?: UserId }
    readonly body: undefined
    readonly answer: ObjectRecord
    readonly conditional: false
  }
  /** Change the value (merge patch). */
  readonly updateObject: {
    readonly path: { readonly collection: string; readonly id: string }
    readonly query: { readonly network?: NetworkId; readonly owner?: UserId }
    readonly body: { readonly value: JsonObject }
    readonly answer: ObjectRecord
    readonly conditional: true
  }
  /** Delete an object. */
  readonly deleteObject: {
    readonly path: { readonly collection: string; readonly id: string }
    readonly query: { readonly network?: NetworkId; readonly owner?: UserId }
    readonly body: undefined
    readonly answer: undefined
    readonly conditional: true
  }
  /** Objects by their ids; those that are not there are left out. It may end early: ask for the rest again. */
  readonly readObjects: {
    readonly path: { readonly collection: string }
    readonly query: { readonly network?: NetworkId; readonly owner?: UserId }
    readonly body: { readonly ids: readonly (string)[] }
    readonly answer: { readonly items: readonly (ObjectRecord)[]; readonly rest: readonly (string)[] }
    readonly conditional: false
  }
  /** Make, replace and delete objects: all of them, or none. */
  readonly writeObjects: {
    readonly path: { readonly collection: string }
    readonly query: { readonly network?: NetworkId; readonly owner?: UserId }
    readonly body: { readonly writes: readonly ({ readonly id: string; readonly value: JsonObject; readonly version?: number } | { readonly id: string; readonly deleted: true; readonly version?: number })[] }
    readonly answer: { readonly items: readonly ({ readonly id: string; readonly version?: number })[] }
    readonly conditional: false
  }
  /** Any entity by a filter: `entity`, and `collection` for objects. */
  readonly search: {
    readonly path: object
    readonly query: { readonly limit?: number; readonly cursor?: string; readonly filter?: string; readonly sortBy?: string; readonly sortOrder?: 'ascending' | 'descending'; readonly network?: NetworkId; readonly entity: 'user' | 'network' | 'peer' | 'object'; readonly collection?: string }
    readonly body: undefined
    readonly answer: { readonly items: readonly (UserRecord | NetworkRecord | PeerRecord | ObjectRecord)[]; readonly cursor?: string; readonly readUnits?: number }
    readonly conditional: false
  }
  /** Jobs that run, or that are done. */
  readonly listJobs: {
    readonly path: object
    readonly query: { readonly limit?: number; readonly cursor?: string; readonly state?: 'running' | 'done' }
    readonly body: undefined
    readonly answer: { readonly items: readonly (JobRecord)[]; readonly cursor?: string; readonly readUnits?: number }
    readonly conditional: false
  }
  /** How far a job has come; for API keys and for who started it. */
  readonly readJob: {
    readonly path: { readonly job: string }
    readonly query: object
    readonly body: undefined
    readonly answer: JobRecord
    readonly conditional: false
  }
  /** Make an API key; its token is told once. */
  readonly createApiKey: {
    readonly path: object
    readonly query: object
    readonly body: { readonly name: string; readonly role: 'admin' | 'read'; readonly operations?: readonly (string)[]; readonly networks?: readonly (NetworkId)[]; readonly collections?: readonly (string)[]; readonly expiresAt?: number }
    readonly answer: { readonly key: string; readonly name: string; readonly role: 'admin' | 'read'; readonly createdAt: number; readonly operations?: readonly (string)[]; readonly networks?: readonly (NetworkId)[]; readonly collections?: readonly (string)[]; readonly expiresAt?: number; readonly rotatedAt?: number; readonly lastUsedAt?: number; readonly token: string }
    readonly conditional: false
  }
  /** API keys without their secrets. */
  readonly listApiKeys: {
    readonly path: object
    readonly query: { readonly limit?: number; readonly cursor?: string }
    readonly body: undefined
    readonly answer: { readonly items: readonly (ApiKeyRecord)[]; readonly cursor?: string; readonly readUnits?: number }
    readonly conditional: false
  }
  /** An API key without its secret. */
  readonly readApiKey: {
    readonly path: { readonly key: string }
    readonly query: object
    readonly body: undefined
    readonly answer: ApiKeyRecord
    readonly conditional: false
  }
  /** Make a new secret for an API key; the one before works a while longer. */
  readonly rotateApiKey: {
    readonly path: { readonly key: string }
    readonly query: object
    readonly body: { readonly graceMs?: number }
    readonly answer: { readonly key: string; readonly name: string; readonly role: 'admin' | 'read'; readonly createdAt: number; readonly operations?: readonly (string)[]; readonly networks?: readonly (NetworkId)[]; readonly collections?: readonly (string)[]; readonly expiresAt?: number; readonly rotatedAt?: number; readonly lastUsedAt?: number; readonly token: string }
    readonly conditional: false
  }
  /** Take an API key back; the last admin key stays. */
  readonly deleteApiKey: {
    readonly path: { readonly key: string }
    readonly query: object
    readonly body: undefined
    readonly answer: undefined
    readonly conditional: false
  }
  /** Lists changes, with who made them and how, newest first. */
  readonly listAudit: {
    readonly path: object
    readonly query: { readonly limit?: number; readonly cursor?: string; readonly by?: string; readonly about?: string; readonly operation?: string; readonly since?: unknown; readonly until?: unknown; readonly subject?: string }
    readonly body: undefined
    readonly answer: { readonly items: readonly (AuditRecord)[]; readonly cursor?: string; readonly readUnits?: number }
    readonly conditional: false
  }
  /** Lists changes of a network, its members and invites; for its admins. */
  readonly listNetworkAudit: {
    readonly path: { readonly network: NetworkId }
    readonly query: { readonly limit?: number; readonly cursor?: string; readonly by?: string; readonly about?: string; readonly operation?: string; readonly since?: unknown; readonly until?: unknown }
    readonly body: undefined
    readonly answer: { readonly items: readonly (AuditRecord)[]; readonly cursor?: string; readonly readUnits?: number }
    readonly conditional: false
  }
  /** Make a webhook; its secret is told once. */
  readonly createWebhook: {
    readonly path: object
    readonly query: object
    readonly body: { readonly name: string; readonly url: string; readonly events: readonly ('user.created' | 'user.updated' | 'user.deleted' | 'network.created' | 'network.updated' | 'network.deleted' | 'member.created' | 'member.updated' | 'member.deleted' | 'peer.created' | 'peer.updated' | 'peer.revoked' | 'peer.online' | 'peer.offline' | 'object.created' | 'object.updated' | 'object.deleted' | 'webhook.test' | 'user.*' | 'network.*' | 'member.*' | 'peer.*' | 'object.*' | 'webhook.*')[]; readonly network?: NetworkId; readonly collection?: string }
    readonly answer: { readonly webhook: string; readonly name: string; readonly url: string; readonly events: readonly (string)[]; readonly network?: NetworkId; readonly collection?: string; readonly active: boolean; readonly by?: string; readonly createdAt: number; readonly updatedAt: number; readonly version: number; readonly secret: string }
    readonly conditional: false
  }
  /** Webhooks without their secrets. */
  readonly listWebhooks: {
    readonly path: object
    readonly query: object
    readonly body: undefined
    readonly answer: { readonly items: readonly (WebhookRecord)[]; readonly cursor?: string; readonly readUnits?: number }
    readonly conditional: false
  }
  /** A webhook without its secret. */
  readonly readWebhook: {
    readonly path: { readonly webhook: string }
    readonly query: object
    readonly body: undefined
    readonly answer: WebhookRecord
    readonly conditional: false
  }
  /** Change what a webhook hears of and where, pause it or let it go on (merge patch). */
  readonly updateWebhook: {
    readonly path: { readonly webhook: string }
    readonly query: object
    readonly body: { readonly name?: string; readonly url?: string; readonly events?: readonly ('user.created' | 'user.updated' | 'user.deleted' | 'network.created' | 'network.updated' | 'network.deleted' | 'member.created' | 'member.updated' | 'member.deleted' | 'peer.created' | 'peer.updated' | 'peer.revoked' | 'peer.online' | 'peer.offline' | 'object.created' | 'object.updated' | 'object.deleted' | 'webhook.test' | 'user.*' | 'network.*' | 'member.*' | 'peer.*' | 'object.*' | 'webhook.*')[]; readonly network?: NetworkId | null; readonly collection?: string | null; readonly active?: boolean }
    readonly answer: WebhookRecord
    readonly conditional: true
  }
  /** Delete a webhook; what is on its way is given up. */
  readonly deleteWebhook: {
    readonly path: { readonly webhook: string }
    readonly query: object
    readonly body: undefined
    readonly answer: undefined
    readonly conditional: false
  }
  /** Make a new secret; the one before signs too for a day. */
  readonly rotateWebhook: {
    readonly path: { readonly webhook: string }
    readonly query: object
    readonly body: undefined
    readonly answer: { readonly webhook: string; readonly name: string; readonly url: string; readonly events: readonly (string)[]; readonly network?: NetworkId; readonly collection?: string; readonly active: boolean; readonly by?: string; readonly createdAt: number; readonly updatedAt: number; readonly version: number; readonly secret: string }
    readonly conditional: false
  }
  /** Send it the event `webhook.test`. */
  readonly testWebhook: {
    readonly path: { readonly webhook: string }
    readonly query: object
    readonly body: undefined
    readonly answer: { readonly delivery: string }
    readonly conditional: false
  }
  /** Events for a webhook and how far they have come, newest first. */
  readonly listDeliveries: {
    readonly path: { readonly webhook: string }
    readonly query: { readonly limit?: number; readonly cursor?: string; readonly state?: 'waiting' | 'delivered' | 'dead' }
    readonly body: undefined
    readonly answer: { readonly items: readonly (DeliveryRecord)[]; readonly cursor?: string; readonly readUnits?: number }
    readonly conditional: false
  }
  /** Send events of a time again, a part at a time; the cursor continues. */
  readonly replayWebhook: {
    readonly path: { readonly webhook: string }
    readonly query: object
    readonly body: { readonly since: number; readonly until?: number; readonly states?: readonly ('delivered' | 'dead')[]; readonly cursor?: string }
    readonly answer: { readonly replayed: number; readonly cursor?: string }
    readonly conditional: false
  }
}

/** Method and path of each; parameters in braces. */
export const DOORS = {
  readHealth: 'GET /v1/health',
  readBootstrap: 'GET /v1/bootstrap',
  createEnrolment: 'POST /v1/enrolments',
  createTicket: 'POST /v1/tickets',
  readOpenapi: 'GET /v1/openapi.json',
  createUser: 'POST /v1/users',
  listUsers: 'GET /v1/users',
  readUser: 'GET /v1/users/{user}',
  updateUser: 'PATCH /v1/users/{user}',
  deleteUser: 'DELETE /v1/users/{user}',
  listMemberships: 'GET /v1/users/{user}/memberships',
  listBlocks: 'GET /v1/users/{user}/blocks',
  putBlock: 'PUT /v1/users/{user}/blocks/{blocked}',
  deleteBlock: 'DELETE /v1/users/{user}/blocks/{blocked}',
  createNetwork: 'POST /v1/networks',
  listNetworks: 'GET /v1/networks',
  readNetwork: 'GET /v1/networks/{network}',
  updateNetwork: 'PATCH /v1/networks/{network}',
  deleteNetwork: 'DELETE /v1/networks/{network}',
  listMembers: 'GET /v1/networks/{network}/members',
  readMember: 'GET /v1/networks/{network}/members/{user}',
  putMember: 'PUT /v1/networks/{network}/members/{user}',
  deleteMember: 'DELETE /v1/networks/{network}/members/{user}',
  createInvite: 'POST /v1/networks/{network}/invites',
  listInvites: 'GET /v1/networks/{network}/invites',
  readInvite: 'GET /v1/invites/{invite}',
  deleteInvite: 'DELETE /v1/invites/{invite}',
  createPeer: 'POST /v1/peers',
  listPeers: 'GET /v1/peers',
  readPeer: 'GET /v1/peers/{peer}',
  updatePeer: 'PATCH /v1/peers/{peer}',
  deletePeer: 'DELETE /v1/peers/{peer}',
  listCollections: 'GET /v1/collections',
  readCollection: 'GET /v1/collections/{collection}',
  putCollection: 'PUT /v1/collections/{collection}',
  deleteCollection: 'DELETE /v1/collections/{collection}',
  listObjects: 'GET /v1/objects/{collection}',
  putObject: 'PUT /v1/objects/{collection}/{id}',
  readObject: 'GET /v1/objects/{collection}/{id}',
  updateObject: 'PATCH /v1/objects/{collection}/{id}',
  deleteObject: 'DELETE /v1/objects/{collection}/{id}',
  readObjects: 'POST /v1/batches/{collection}/reads',
  writeObjects: 'POST /v1/batches/{collection}/writes',
  search: 'GET /v1/search',
  listJobs: 'GET /v1/jobs',
  readJob: 'GET /v1/jobs/{job}',
  createApiKey: 'POST /v1/api-keys',
  listApiKeys: 'GET /v1/api-keys',
  readApiKey: 'GET /v1/api-keys/{key}',
  rotateApiKey: 'POST /v1/api-keys/{key}/rotations',
  deleteApiKey: 'DELETE /v1/api-keys/{key}',
  listAudit: 'GET /v1/audit',
  listNetworkAudit: 'GET /v1/networks/{network}/audit',
  createWebhook: 'POST /v1/webhooks',
  listWebhooks: 'GET /v1/webhooks',
  readWebhook: 'GET /v1/webhooks/{webhook}',
  updateWebhook: 'PATCH /v1/webhooks/{webhook}',
  deleteWebhook: 'DELETE /v1/webhooks/{webhook}',
  rotateWebhook: 'POST /v1/webhooks/{webhook}/rotations',
  testWebhook: 'POST /v1/webhooks/{webhook}/tests',
  listDeliveries: 'GET /v1/webhooks/{webhook}/deliveries',
  replayWebhook: 'POST /v1/webhooks/{webhook}/replays',
} as const satisfies Readonly<Record<keyof Operations, string>>
