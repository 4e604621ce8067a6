/**
 * All permissions, in one table. An admin key may do everything, and a read key may do everything that only reads. For a
 * peer, the rule of the action decides, from the actor and the resource. The error for a refusal is chosen elsewhere: a
 * resource that an actor may not read is reported as missing.
 *
 * A rule returns its grounds: the memberships that allow the action. They were read before the write, so the write is
 * conditional on them: it fails if they no longer hold (shared/store/grounds.ts).
 */
import type { NetworkId, PeerId, UserId } from '../ids.ts'
import type { Scope } from './api-key.ts'
import { atLeast, type Role } from './membership.ts'
import type { Declared } from './visibility.ts'

export type Actor = { readonly kind: 'nobody' } | KeyActor | PeerActor

export interface KeyActor extends Scope {
  readonly kind: 'key'
  readonly key: string
}

export interface PeerActor {
  readonly kind: 'peer'
  readonly peer: PeerId
  readonly user: UserId
  /** Current roles of its user, not those at the time the ticket was issued. */
  readonly roles: ReadonlyMap<NetworkId, Role>
  /** Declared visibility of attributes, for the kind of record that the peer requests by id. */
  readonly visibility?: Declared | undefined
}

/** The resource of an action, as far as rules need it. */
export interface Resource {
  /** The user concerned: the user itself, the owner of a peer or object, or the member. */
  readonly user?: UserId | undefined
  /** The networks in which the resource is visible, or the one it belongs to. */
  readonly networks?: readonly NetworkId[] | undefined
  /** Roles that the action grants or revokes. No actor may grant or revoke a role above its own. */
  readonly roles?: readonly Role[] | undefined
  /** True if every member may edit the object. */
  readonly shared?: boolean | undefined
}

/** A membership that allows an action: this user is an active member of the network, with this role. */
export interface Ground {
  readonly network: NetworkId
  readonly user: UserId
  readonly role: Role
}

/** The memberships that allow an action. Empty if it is allowed without any; undefined if it is not allowed. */
export type Grounds = readonly Ground[] | undefined

type Rule = (actor: PeerActor, resource: Resource) => Grounds

const never: Rule = () => undefined
const always: Rule = () => []
const isSelf: Rule = (actor, { user }) => (user === actor.user ? [] : undefined)
const has =
  (wanted: Role, ...above: readonly Role[]): Rule =>
  ({ user, roles }, { networks = [] }) => {
    for (const network of networks) {
      const role = roles.get(network)
      if (role && [wanted, ...above].every((least) => atLeast(role, least))) return [{ network, user, role }]
    }
    return undefined
  }
const shares = has('guest')
/** Allows admins, for roles up to their own. */
const manages: Rule = (actor, resource) => has('admin', ...(resource.roles ?? []))(actor, resource)

const either =
  (...rules: readonly Rule[]): Rule =>
  (actor, resource) => {
    for (const rule of rules) {
      const grounds = rule(actor, resource)
      if (grounds !== undefined) return grounds
    }
    return undefined
  }
const both =
  (...rules: readonly Rule[]): Rule =>
  (actor, resource) => {
    const grounds = rules.map((rule) => rule(actor, resource))
    return grounds.every((each) => each !== undefined) ? grounds.flat() : undefined
  }
const when =
  (holds: (resource: Resource) => boolean, rule: Rule): Rule =>
  (actor, resource) =>
    holds(resource) ? rule(actor, resource) : undefined

const isSelfOrShares = either(isSelf, shares)
const isPrivate = ({ networks }: Resource) => networks === undefined
const isOfNetwork = ({ networks }: Resource) => networks !== undefined

const RULES = {
  'user.create': never,
  'user.read': isSelfOrShares,
  'user.update': isSelf,
  'user.delete': isSelf,
  /** All memberships of the user, including invitations. */
  'membership.list': isSelf,
  'blocks.read': isSelf,
  'blocks.change': isSelf,
  'network.create': always,
  'network.read': shares,
  'network.update': has('admin'),
  'network.delete': has('owner'),
  'member.read': shares,
  /** Sees users who are invited, have asked to join, are suspended or banned, or were removed. */
  'member.review': has('admin'),
  'member.change': manages,
  'member.remove': either(both(isSelf, shares), manages),
  'invite.read': either(has('admin'), isSelf),
  /** An invite that names a user binds a peer to that user, so only that user may create it. */
  'invite.create': either(
    when(({ user }) => user === undefined, manages),
    both(isSelf, shares),
  ),
  'invite.delete': either(has('admin'), isSelf),
  'peer.bind': never,
  'peer.read': isSelfOrShares,
  'peer.update': isSelf,
  'peer.revoke': isSelf,
  /** Not for peers: names of collections would reveal what other applications and tenants do. */
  'collection.list': never,
  'collection.read': always,
  'collection.change': never,
  /** An object without a network is private to its owner. */
  'object.read': either(when(isPrivate, isSelf), when(isOfNetwork, shares)),
  'object.create': either(when(isPrivate, isSelf), when(isOfNetwork, has('member'))),
  'object.change': either(
    when(isPrivate, isSelf),
    when(
      isOfNetwork,
      either(
        has('admin'),
        both(has('member'), isSelf),
        when(({ shared }) => shared === true, has('member')),
      ),
    ),
  ),
  /** Jobs are for API keys. The actor that started a job may read it too, which functions/rest/jobs.ts checks. */
  'job.read': never,
  /** The audit trail of the deployment, and the part of it about one network. */
  'audit.read': never,
  'network.audit': has('admin'),
  'webhook.read': never,
  'webhook.change': never,
  'key.read': never,
  'key.change': never,
  search: always,
} as const satisfies Record<string, Rule>

export type Action = keyof typeof RULES

export const ACTIONS = Object.keys(RULES) as readonly Action[]

/** Decides whether `actor` may do `action`. All permission checks go through this function. */
export function judge(actor: Actor, action: Action, resource: Resource = {}): Grounds {
  switch (actor.kind) {
    case 'nobody':
      return undefined
    case 'key':
      return judgeKey(actor, action, resource)
    case 'peer':
      return RULES[action](actor, resource)
  }
}

/** Operations on things of no network, or of every network or collection. */
const OF_THE_WHOLE: ReadonlySet<Action> = new Set([
  'network.create',
  'collection.list',
  'collection.change',
  'key.read',
  'key.change',
  'audit.read',
  'webhook.read',
  'webhook.change',
])

/**
 * A key of some networks may do there what an owner of them may. It is no user, so what only users do for themselves is
 * not for it. Its grounds are the key itself, which is a condition of every write (shared/store/guarded.ts).
 */
function judgeKey({ role, networks, collections }: KeyActor, action: Action, resource: Resource): Grounds {
  if (role !== 'admin' && !isReading(action)) return undefined
  if (networks === undefined && collections === undefined) return []
  if (OF_THE_WHOLE.has(action)) return undefined
  if (networks === undefined) return []
  const roles = new Map(networks.map((network) => [network, 'owner' as const]))
  return RULES[action]({ ...NO_USER, roles }, resource) && []
}

const NO_USER = { kind: 'peer', peer: '' as PeerId, user: '' as UserId } as const

/** The networks to which the actor is limited. Undefined for a key of the whole deployment. */
export function networksOf(actor: Actor): readonly NetworkId[] | undefined {
  if (actor.kind === 'nobody') return []
  return actor.kind === 'peer' ? [...actor.roles.keys()] : actor.networks
}

export function may(actor: Actor, action: Action, resource: Resource = {}): boolean {
  return judge(actor, action, resource) !== undefined
}

/** Things that only an admin key reads: API keys, and the audit trail, which tells of them. */
const OF_ADMIN_KEYS: ReadonlySet<Action> = new Set(['key.read', 'audit.read'])

function isReading(action: Action): boolean {
  return action === 'search' || (/\.(read|list|review|audit)$/.test(action) && !OF_ADMIN_KEYS.has(action))
}
