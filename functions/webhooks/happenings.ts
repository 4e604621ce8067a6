/** The events that a change of an item means to webhooks. The data of an event is the record as an API key reads it. */
import type { NetworkId } from '../../shared/ids.ts'
import { activeRole } from '../../shared/model/membership.ts'
import type { Network } from '../../shared/model/network.ts'
import type { Peer } from '../../shared/model/peer.ts'
import type { EventName, Happening } from '../../shared/model/webhook.ts'
import { asSeenByOthers, type PresenceItem } from '../../shared/presence.ts'
import { type MembershipItem, toMembership } from '../../shared/store/memberships.ts'
import { type ObjectItem, toObject } from '../../shared/store/objects.ts'
import type { TableName } from '../../shared/store/tables.ts'
import { toUser, type UserItem } from '../../shared/store/users.ts'

export interface Told extends Happening {
  readonly subject: string
  readonly data: object
}

type Reading<Item> = (before: Item | undefined, after: Item | undefined) => Told | undefined

/** Undefined if the change concerns nobody outside: a count, a mark, or something that was gone already. */
export function happeningIn(table: TableName, before?: object, after?: object): Told | undefined {
  const read = READINGS[table] as Reading<object> | undefined
  return read?.(before, after)
}

interface Versioned {
  readonly version: number
}

/** The kind of an edit: a new item, one with another version, or one that is gone. */
function kindOf(
  before: Versioned | undefined,
  after: Versioned | undefined,
): 'created' | 'updated' | 'deleted' | undefined {
  if (before === undefined) return after && 'created'
  if (after === undefined) return 'deleted'
  return before.version === after.version ? undefined : 'updated'
}

interface Going {
  readonly deletingAt?: number
}

/** A user or network that is being deleted is gone. */
const present = <T extends Going>(item: T | undefined): T | undefined =>
  item?.deletingAt === undefined ? item : undefined

const READINGS: { readonly [T in TableName]?: unknown } = {
  Users: ((before, after) => {
    const kind = kindOf(present(before), present(after))
    if (kind === undefined) return undefined
    const { blocks: _, ...data } = toUser((present(after) ?? before)!)
    return { type: `user.${kind}`, networks: data.networks, subject: data.user, data }
  }) satisfies Reading<UserItem>,

  Networks: ((before, after) => {
    const kind = kindOf(present(before), present(after))
    if (kind === undefined) return undefined
    const { deletingAt: _, ...data }: Network & Going = (present(after) ?? before)!
    return { type: `network.${kind}`, networks: [data.network], subject: data.network, data }
  }) satisfies Reading<Network & Going>,

  Memberships: ((before, after) => {
    const data = toMembership((after ?? before)!)
    const type = memberEvent(before && toMembership(before), after && toMembership(after))
    const { network, user } = data
    return type && { type, networks: [network], subject: `${network}/${user}`, data }
  }) satisfies Reading<MembershipItem>,

  Peers: ((before, after) => {
    // One that is erased with its user was revoked, then or before.
    if (after === undefined || (after.erasedAt !== undefined && before?.revokedAt !== undefined))
      return undefined
    const { erasedAt: _, ...data }: Peer & { readonly erasedAt?: number } = after
    const isRevoked = after.revokedAt !== undefined && before?.revokedAt === undefined
    const kind = kindOf(before, after)
    const type: EventName | undefined = isRevoked ? 'peer.revoked' : kind && PEER[kind]
    return type && { type, networks: [], subject: after.peer, data }
  }) satisfies Reading<Peer & { readonly erasedAt?: number }>,

  Presence: ((before, after) => {
    const [was, is] = [isSeen(before), isSeen(after)]
    if (was === is) return undefined
    const { networks } = (after ?? before)!
    const { peer, user, lastSeenAt, status } = asSeenByOthers(after ?? { ...before!, status: 'offline' })
    const data = { peer, user, status, lastSeenAt }
    return { type: is ? 'peer.online' : 'peer.offline', networks, subject: peer, data }
  }) satisfies Reading<PresenceItem>,

  Objects: ((before, after) => {
    const kind = kindOf(before, after)
    if (kind === undefined) return undefined
    const data = toObject((after ?? before)!)
    const networks: NetworkId[] = data.network === undefined ? [] : [data.network]
    const subject = `${data.collection}/${data.network ?? data.owner}/${data.id}`
    return { type: `object.${kind}`, networks, collection: data.collection, subject, data }
  }) satisfies Reading<ObjectItem>,
}

const PEER = { created: 'peer.created', updated: 'peer.updated', deleted: 'peer.revoked' } as const

type Membership = ReturnType<typeof toMembership>

/** A member is somebody with an active membership. A change of another membership is an update too. */
function memberEvent(before: Membership | undefined, after: Membership | undefined): EventName | undefined {
  const [was, is] = [activeRole(before), activeRole(after)]
  if (was === undefined && is !== undefined) return 'member.created'
  if (was !== undefined && is === undefined) return 'member.deleted'
  return after === undefined ? undefined : 'member.updated'
}

const isSeen = (item: PresenceItem | undefined): boolean =>
  item !== undefined && asSeenByOthers(item).status !== 'offline'
