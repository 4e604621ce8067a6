/**
 * Who hears of a change: what functions/streams decides on the real tables, as one pure function. A node is told once a
 * change, however many of its peers care.
 */
import type { NetworkId, NodeId, PeerId, UserId } from '../../shared/ids.ts'
import { asSeenByOthers, type PresenceItem } from '../../shared/presence.ts'
import type { Push } from '../../shared/push.ts'
import type { Change, Tables } from './tables.ts'

export interface Pushed {
  readonly nodes: readonly NodeId[]
  readonly push: Push
}

/** Undefined where nobody needs to hear of it. */
export function pushedBy(change: Change, tables: Tables): Pushed | undefined {
  switch (change.kind) {
    case 'presence':
      return changesForOthers(change.before, change.after)
        ? presence(change.before, change.after, tables)
        : undefined
    case 'membership':
      return {
        nodes: unique([...tables.nodesOf(change.network), ...nodesOfUser(change.user, tables)]),
        push: change,
      }
    case 'mail':
    case 'revoked':
      return { nodes: nodeOf(change.peer, tables), push: change }
    case 'fleet':
      return fleet(change, tables)
  }
}

function presence(before: PresenceItem | undefined, after: PresenceItem, tables: Tables): Pushed {
  const networks = unique([...after.networks, ...(before?.networks ?? [])])
  const nodes = unique(networks.flatMap((network: NetworkId) => tables.nodesOf(network)))
  return { nodes, push: { kind: 'presence', record: asSeenByOthers(after), networks } }
}

/** Neither a move between nodes nor being seen again is news. */
function changesForOthers(before: PresenceItem | undefined, after: PresenceItem): boolean {
  return before === undefined || look(before) !== look(after)
}

function look(item: PresenceItem): string {
  const { status, custom, metadata } = asSeenByOthers(item)
  return JSON.stringify([status, custom, metadata, item.networks])
}

/** A lease that is merely renewed is no news; a node that is gone is told as one whose lease ended long ago. */
function fleet({ before, after }: Extract<Change, { kind: 'fleet' }>, tables: Tables): Pushed | undefined {
  const item = after ?? (before && { ...before, expiresAtSeconds: 0 })
  const renewed = before?.draining === after?.draining && before?.startedAt === after?.startedAt
  if (item === undefined || (after !== undefined && renewed)) return undefined
  return { nodes: [...tables.fleet.keys()], push: { kind: 'fleet', item } }
}

function nodeOf(peer: PeerId, tables: Tables): NodeId[] {
  const node = tables.presence.get(peer)?.node
  return node === undefined ? [] : [node]
}

function nodesOfUser(user: UserId, tables: Tables): NodeId[] {
  return [...tables.peers].flatMap(([peer, owner]) => (owner === user ? nodeOf(peer, tables) : []))
}

const unique = <T>(list: readonly T[]): T[] => [...new Set(list)]
