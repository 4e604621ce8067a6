/**
 * Decides which nodes hear of a change: what functions/streams does on the real tables, as one pure function. A node is told
 * of a change once, even if several of its peers need it.
 */
import type { FleetItem } from '../../shared/directory.ts'
import type { NetworkId, NodeId, PeerId, UserId } from '../../shared/ids.ts'
import { asSeenByOthers, type PresenceItem } from '../../shared/presence.ts'
import type { Push } from '../../shared/push.ts'
import type { Change, Tables } from './tables.ts'

export interface Pushed {
  readonly nodes: readonly NodeId[]
  readonly push: Push
}

/** Undefined if no node needs to hear of it. */
export function pushedBy(change: Change, tables: Tables): Pushed | undefined {
  switch (change.kind) {
    case 'presence':
      return presence(change.before, change.after, tables)
    case 'membership':
      return {
        nodes: unique([...tables.nodesOf(change.network), ...nodesOfUser(change.user, tables)]),
        push: change,
      }
    case 'mail':
      return { nodes: nodeOf(change.peer, tables), push: change }
    case 'blocks':
      return { nodes: unique(nodesOfUser(change.user, tables)), push: change }
    case 'shown':
      return shown(change, tables)
    case 'revoked':
      return { nodes: everybody(tables), push: change }
    case 'paths':
      return { nodes: tables.nodesOf(change.network), push: change }
    case 'fleet':
      return fleet(change, tables)
  }
}

function presence(before: PresenceItem | undefined, after: PresenceItem, tables: Tables): Pushed | undefined {
  const networks = networksConcerned(before, after)
  if (networks.length === 0) return undefined
  const nodes = unique(networks.flatMap((network) => tables.nodesOf(network)))
  const { blocks = 0 } = after
  const push = { kind: 'presence', record: asSeenByOthers(after), networks } as const
  return { nodes, push: blocks > 0 ? { ...push, blocks } : push }
}

/** Tells only the peer or the user to whom it is now shown or hidden. */
function shown({ item, to, isSeen }: Extract<Change, { kind: 'shown' }>, tables: Tables): Pushed | undefined {
  if (item.node === undefined || item.status === 'invisible') return undefined
  const nodes = to.startsWith('u_') ? nodesOfUser(to as UserId, tables) : nodeOf(to as PeerId, tables)
  const record = asSeenByOthers(isSeen ? item : { ...item, status: 'offline' })
  return { nodes: unique(nodes), push: { kind: 'presence', record, networks: item.networks, to } }
}

/** If the visible state changed: the networks that the peer is or was in. Otherwise: the networks that it is new in. */
function networksConcerned(before: PresenceItem | undefined, after: PresenceItem): NetworkId[] {
  const old = before?.networks ?? []
  if (look(before) !== look(after)) return unique([...old, ...after.networks])
  return look(after) === undefined ? [] : after.networks.filter((network) => !old.includes(network))
}

/** The visible state of a peer; undefined if it is offline. A move between nodes or a new last-seen time does not change it. */
function look(item: PresenceItem | undefined): string | undefined {
  const { status, custom, metadata } = item ? asSeenByOthers(item) : { status: 'offline' }
  return status === 'offline' ? undefined : JSON.stringify([status, custom, metadata])
}

/** Load and lease renewals are not pushed. A removed node is pushed as one whose lease ended long ago. */
function fleet({ before, after }: Extract<Change, { kind: 'fleet' }>, tables: Tables): Pushed | undefined {
  const item = after ?? (before && { ...before, draining: true, expiresAtSeconds: 0 })
  if (item === undefined || lasting(before) === lasting(after)) return undefined
  return { nodes: everybody(tables), push: { kind: 'fleet', item } }
}

const lasting = (item: FleetItem | undefined): string | undefined =>
  item && JSON.stringify({ ...item, load: 0, expiresAtSeconds: 0 })

const everybody = (tables: Tables): NodeId[] => [...tables.fleet.keys()]

function nodeOf(peer: PeerId, tables: Tables): NodeId[] {
  const node = tables.presence.get(peer)?.node
  return node === undefined ? [] : [node]
}

function nodesOfUser(user: UserId, tables: Tables): NodeId[] {
  return [...tables.peers].flatMap(([peer, owner]) => (owner === user ? nodeOf(peer, tables) : []))
}

const unique = <T>(list: readonly T[]): T[] => [...new Set(list)]
