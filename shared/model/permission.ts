/**
 * Who may do what: one table. An admin key may do everything, a read key whatever only reads; a peer what the rule of
 * the action says of it and of the resource. The answer to "may not" is decided elsewhere: of what somebody may not
 * read, even the existence is not told.
 *
 * A rule answers with its grounds: the memberships that allow the action. They were read before the write, so the write
 * is made on the condition that they still hold (shared/store/grounds.ts).
 */
import type { NetworkId, PeerId, UserId } from '../ids.ts'
import { atLeast, type Role } from './membership.ts'
import type { Declared } from './visibility.ts'

export type Actor =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'key'; readonly key: string; readonly role: 'admin' | 'read' }
  | PeerActor

export interface PeerActor {
  readonly kind: 'peer'
  readonly peer: PeerId
  readonly user: UserId
  /** Its user's roles as they are now, not as they were when the ticket was issued. */
  readonly roles: ReadonlyMap<NetworkId, Role>
  /** Of the attributes of the kind of record that it asks for by an id. */
  readonly visibility?: Declared | undefined
}

/** What an action is about, as far as a rule asks. */
export interface Resource {
  /** The user concerned: itself, the owner of a peer or object, the member. */
  readonly user?: UserId | undefined
  /** The networks the resource is seen in, or the one it belongs to. */
  readonly networks?: readonly NetworkId[] | undefined
  /** Roles given or taken: nobody gives, takes or removes one above their own. */
  readonly roles?: readonly Role[] | undefined
  /** Whether every member may edit the object. */
  readonly shared?: boolean | undefined
}

/** The membership that allows an action: this user is an active member of the network by this role. */
export interface Ground {
  readonly network: NetworkId
  readonly user: UserId
  readonly role: Role
}

/** What allows the action; empty where nothing can take the right away; undefined where it is not allowed. */
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
/** An admin, up to the own role. */
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
  /** What ties it to networks, invitations included. */
  'membership.list': isSelf,
  'blocks.read': isSelf,
  'blocks.change': isSelf,
  'network.create': always,
  'network.read': shares,
  'network.update': has('admin'),
  'network.delete': has('owner'),
  'member.read': shares,
  /** Sees who is invited, asks to join, is suspended, banned or was removed. */
  'member.review': has('admin'),
  'member.change': manages,
  'member.remove': either(both(isSelf, shares), manages),
  'invite.read': either(has('admin'), isSelf),
  /** An invite that names a user binds a peer to it: only that user makes one. */
  'invite.create': either(
    when(({ user }) => user === undefined, manages),
    both(isSelf, shares),
  ),
  'invite.delete': either(has('admin'), isSelf),
  'peer.bind': never,
  'peer.read': isSelfOrShares,
  'peer.update': isSelf,
  'peer.revoke': isSelf,
  /** Names of collections tell what other applications and tenants do. */
  'collection.list': never,
  'collection.read': always,
  'collection.change': never,
  /** Without a network it is private to its owner. */
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
  /** Jobs are read by API keys; whoever started one is told of that one. */
  'job.read': never,
  'key.read': never,
  'key.change': never,
  search: always,
} as const satisfies Record<string, Rule>

export type Action = keyof typeof RULES

export const ACTIONS = Object.keys(RULES) as readonly Action[]

/** The one place where a permission is judged. */
export function judge(actor: Actor, action: Action, resource: Resource = {}): Grounds {
  switch (actor.kind) {
    case 'nobody':
      return undefined
    case 'key':
      return actor.role === 'admin' || isReading(action) ? [] : undefined
    case 'peer':
      return RULES[action](actor, resource)
  }
}

export function may(actor: Actor, action: Action, resource: Resource = {}): boolean {
  return judge(actor, action, resource) !== undefined
}

function isReading(action: Action): boolean {
  return action === 'search' || (/\.(read|list|review)$/.test(action) && action !== 'key.read')
}
