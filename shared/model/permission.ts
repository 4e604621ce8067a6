/**
 * Who may do what: one table. An admin key may do everything, a read key whatever only reads; a peer what the rule of
 * the action says of it and of the resource. The answer to "may not" is decided elsewhere: of what somebody may not
 * read, even the existence is not told.
 */
import type { NetworkId, PeerId, UserId } from '../ids.ts'
import { atLeast, type Role } from './membership.ts'

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

type Rule = (actor: PeerActor, resource: Resource) => boolean

const never: Rule = () => false
const always: Rule = () => true
const isSelf: Rule = (actor, { user }) => user === actor.user
const shares: Rule = (actor, { networks = [] }) => networks.some((network) => actor.roles.has(network))
const isSelfOrShares: Rule = (actor, resource) => isSelf(actor, resource) || shares(actor, resource)
const has =
  (role: Role): Rule =>
  (actor, { networks = [] }) =>
    networks.some((network) => atLeast(actor.roles.get(network), role))
const manages: Rule = (actor, { networks = [], roles = [] }) =>
  networks.some((network) => {
    const own = actor.roles.get(network)
    return atLeast(own, 'admin') && roles.every((role) => atLeast(own, role))
  })

const RULES = {
  'user.create': never,
  'user.read': isSelfOrShares,
  'user.update': isSelf,
  'user.delete': isSelf,
  'blocks.read': isSelf,
  'blocks.change': isSelf,
  'network.create': always,
  'network.read': shares,
  'network.update': has('admin'),
  'network.delete': has('owner'),
  'member.read': shares,
  'member.change': manages,
  'member.remove': (actor, resource) =>
    (isSelf(actor, resource) && shares(actor, resource)) || manages(actor, resource),
  'invite.read': has('admin'),
  /** An invite that names a user binds a peer to it: only that user makes one. */
  'invite.create': (actor, resource) =>
    resource.user === undefined
      ? manages(actor, resource)
      : isSelf(actor, resource) && shares(actor, resource),
  'invite.delete': (actor, resource) => has('admin')(actor, resource) || isSelf(actor, resource),
  'peer.bind': never,
  'peer.read': isSelfOrShares,
  'peer.update': isSelf,
  'peer.revoke': isSelf,
  'collection.read': always,
  'collection.change': never,
  /** Without a network it is private to its owner. */
  'object.read': (actor, resource) =>
    resource.networks === undefined ? isSelf(actor, resource) : shares(actor, resource),
  'object.create': (actor, resource) =>
    resource.networks === undefined ? isSelf(actor, resource) : has('member')(actor, resource),
  'object.change': (actor, resource) =>
    resource.networks === undefined
      ? isSelf(actor, resource)
      : has('admin')(actor, resource) ||
        (has('member')(actor, resource) && (resource.shared === true || isSelf(actor, resource))),
  'key.read': never,
  'key.change': never,
  search: always,
} as const satisfies Record<string, Rule>

export type Action = keyof typeof RULES

export const ACTIONS = Object.keys(RULES) as readonly Action[]

export function may(actor: Actor, action: Action, resource: Resource = {}): boolean {
  switch (actor.kind) {
    case 'nobody':
      return false
    case 'key':
      return actor.role === 'admin' || isReading(action)
    case 'peer':
      return RULES[action](actor, resource)
  }
}

function isReading(action: Action): boolean {
  return action === 'search' || (action.endsWith('.read') && action !== 'key.read')
}
