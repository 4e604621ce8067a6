/**
 * Every route of INDEX, once, as plain data: the handler routes by it, the OpenAPI document and `infra` read it.
 *
 * `who` is the first door: `anybody` (no credential is looked at), `credential` (an API key or a ticket; the table of
 * shared/model/permission.ts decides the rest) or `key` (an API key).
 */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export type Who = 'anybody' | 'credential' | 'key'

export interface Route {
  readonly operation: string
  readonly method: Method
  /** Parameters in braces. */
  readonly path: `/v1/${string}`
  readonly who: Who
  readonly summary: string
  /** Answers `{ items, cursor? }` and takes `limit` and `cursor`. */
  readonly pages?: true
  /** Takes `filter` (RFC 7644 section 3.4.2.2) and `network`. */
  readonly filters?: true
}

function route<O extends string>(
  operation: O,
  door: `${Method} /v1/${string}`,
  who: Who,
  summary: string,
  more: Pick<Route, 'pages' | 'filters'> = {},
): Route & { readonly operation: O } {
  const [method, path] = door.split(' ') as [Method, Route['path']]
  return { operation, method, path, who, summary, ...more }
}

const PAGES = { pages: true } as const
const SEARCH = { pages: true, filters: true } as const

export const ROUTES = [
  route('readHealth', 'GET /v1/health', 'anybody', 'Whether INDEX answers'),
  route('readOpenapi', 'GET /v1/openapi.json', 'anybody', 'This description'),
  route(
    'readBootstrap',
    'GET /v1/bootstrap',
    'anybody',
    'Ticket keys, nodes and limits: what a peer starts with',
  ),
  route(
    'createEnrolment',
    'POST /v1/enrolments',
    'anybody',
    'Bind a peer to a user by an invite or an ID token',
  ),
  route('createTicket', 'POST /v1/tickets', 'anybody', 'A ticket for an enrolled peer'),

  route('createUser', 'POST /v1/users', 'key', 'Make a user'),
  route('listUsers', 'GET /v1/users', 'credential', 'Users of the networks of the caller', SEARCH),
  route('readUser', 'GET /v1/users/{user}', 'credential', 'A user'),
  route('updateUser', 'PATCH /v1/users/{user}', 'credential', 'Change name or attributes (merge patch)'),
  route(
    'deleteUser',
    'DELETE /v1/users/{user}',
    'credential',
    'Delete a user with its memberships, peers, private objects',
  ),
  route('listBlocks', 'GET /v1/users/{user}/blocks', 'credential', 'Whom a user blocks'),
  route('putBlock', 'PUT /v1/users/{user}/blocks/{blocked}', 'credential', 'Block a peer or a user'),
  route('deleteBlock', 'DELETE /v1/users/{user}/blocks/{blocked}', 'credential', 'Take a block back'),

  route('createNetwork', 'POST /v1/networks', 'credential', 'Make a network; a peer becomes its owner'),
  route('listNetworks', 'GET /v1/networks', 'credential', 'Networks of the caller', SEARCH),
  route('readNetwork', 'GET /v1/networks/{network}', 'credential', 'A network'),
  route(
    'updateNetwork',
    'PATCH /v1/networks/{network}',
    'credential',
    'Change name or attributes (merge patch)',
  ),
  route(
    'deleteNetwork',
    'DELETE /v1/networks/{network}',
    'credential',
    'Delete a network with its memberships, invites, objects',
  ),
  route(
    'listMembers',
    'GET /v1/networks/{network}/members',
    'credential',
    'Members with their role and presence',
    PAGES,
  ),
  route(
    'putMember',
    'PUT /v1/networks/{network}/members/{user}',
    'credential',
    'Add a member or change its role',
  ),
  route(
    'deleteMember',
    'DELETE /v1/networks/{network}/members/{user}',
    'credential',
    'Remove a member, or leave',
  ),
  route(
    'createInvite',
    'POST /v1/networks/{network}/invites',
    'credential',
    'Make an invite; its code is told once',
  ),
  route(
    'listInvites',
    'GET /v1/networks/{network}/invites',
    'credential',
    'Invites by the first letters of their code',
    PAGES,
  ),
  route('deleteInvite', 'DELETE /v1/invites/{invite}', 'credential', 'Take an invite back'),

  route('createPeer', 'POST /v1/peers', 'key', 'Bind a peer to a user without an invite'),
  route(
    'listPeers',
    'GET /v1/peers',
    'credential',
    'Peers of the networks of the caller, with presence',
    SEARCH,
  ),
  route('readPeer', 'GET /v1/peers/{peer}', 'credential', 'A peer with its presence'),
  route('updatePeer', 'PATCH /v1/peers/{peer}', 'credential', 'Change name or attributes (merge patch)'),
  route('deletePeer', 'DELETE /v1/peers/{peer}', 'credential', 'Revoke a peer'),

  route('listCollections', 'GET /v1/collections', 'credential', 'What is declared of collections', PAGES),
  route(
    'readCollection',
    'GET /v1/collections/{collection}',
    'credential',
    'What is declared of a collection',
  ),
  route(
    'putCollection',
    'PUT /v1/collections/{collection}',
    'key',
    'Declare what is searchable and who edits',
  ),
  route(
    'deleteCollection',
    'DELETE /v1/collections/{collection}',
    'key',
    'Take the declaration of an empty collection back',
  ),
  route('listObjects', 'GET /v1/objects/{collection}', 'credential', 'Objects of a collection', SEARCH),
  route(
    'putObject',
    'PUT /v1/objects/{collection}/{id}',
    'credential',
    'Make an object or replace its value',
  ),
  route('readObject', 'GET /v1/objects/{collection}/{id}', 'credential', 'An object'),
  route(
    'updateObject',
    'PATCH /v1/objects/{collection}/{id}',
    'credential',
    'Change the value (merge patch)',
  ),
  route('deleteObject', 'DELETE /v1/objects/{collection}/{id}', 'credential', 'Delete an object'),
  route(
    'search',
    'GET /v1/search',
    'credential',
    'Any entity by a filter: `entity`, and `collection` for objects',
    SEARCH,
  ),

  route('createApiKey', 'POST /v1/api-keys', 'key', 'Make an API key; its token is told once'),
  route('listApiKeys', 'GET /v1/api-keys', 'key', 'API keys without their secrets', PAGES),
  route('deleteApiKey', 'DELETE /v1/api-keys/{key}', 'key', 'Take an API key back'),
] as const satisfies readonly Route[]

export type Operation = (typeof ROUTES)[number]['operation']
