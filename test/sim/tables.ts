/**
 * In-memory tables with the same guarantees as shared/store on DynamoDB (test/contract/directory.ts runs against both). They
 * answer immediately. Every write adds a change, with the old and the new item, for the streams.
 */
import type {
  Asker,
  Claimed,
  DirectoryReply,
  DirectoryRequest,
  FleetItem,
  Standing,
  StoredMessage,
} from '../../shared/directory.ts'
import type { NetworkId, NodeId, PeerId, UserId } from '../../shared/ids.ts'
import { matches } from '../../shared/model/filter/evaluate.ts'
import { parseFilter } from '../../shared/model/filter/parse.ts'
import { looksAtPresence } from '../../shared/model/filter/presence.ts'
import { MailboxShares } from '../../shared/model/mailbox-share.ts'
import { hiddenSince } from '../../shared/model/peer.ts'
import type { Paths } from '../../shared/paths.ts'
import { asSeenByOthers, type PresenceItem, type PresenceRecord, shownAfter } from '../../shared/presence.ts'

const BLOCKED_AT = 1

export type Change =
  | { readonly kind: 'presence'; readonly before?: PresenceItem; readonly after: PresenceItem }
  | {
      readonly kind: 'membership'
      readonly network: NetworkId
      readonly user: UserId
      /** The new role; null if the user is no longer a member. */
      readonly role: string | null
    }
  | { readonly kind: 'mail'; readonly peer: PeerId }
  | { readonly kind: 'revoked'; readonly peer: PeerId }
  | { readonly kind: 'blocks'; readonly user: UserId; readonly version: number }
  /** A user or peer can no longer see `item`, or can see it again. */
  | {
      readonly kind: 'shown'
      readonly item: PresenceItem
      readonly to: PeerId | UserId
      readonly isSeen: boolean
    }
  | { readonly kind: 'paths'; readonly network: NetworkId; readonly paths: Paths }
  /** Without `after` the node is gone. */
  | { readonly kind: 'fleet'; readonly before?: FleetItem; readonly after?: FleetItem }

type Ask<K extends DirectoryRequest['kind']> = Extract<DirectoryRequest, { kind: K }>
type Reply<K extends DirectoryReply['kind']> = Extract<DirectoryReply, { kind: K }>

export class Tables {
  readonly peers = new Map<PeerId, UserId>()
  readonly presence = new Map<PeerId, PresenceItem>()
  readonly fleet = new Map<NodeId, FleetItem>()
  /** The blocked peers and users of each user, and the version of that list. */
  readonly #blocks = new Map<
    UserId,
    { readonly version: number; readonly blocks: ReadonlySet<PeerId | UserId> }
  >()
  /** The paths that networks allow tunnels to use, if not all. */
  readonly paths = new Map<NetworkId, Paths>()
  readonly #memberships = new Map<NetworkId, Map<UserId, string>>()
  /** The networks of each user, each with its place among all networks, by which they are listed. */
  readonly #joined = new Map<UserId, Map<NetworkId, number>>()
  readonly #places = new Map<NetworkId, number>()
  readonly #networkNodes = new Map<NetworkId, Set<NodeId>>()
  readonly #mail = new Map<PeerId, Map<string, StoredMessage>>()
  readonly #changes: Change[] = []

  /** Removes and returns the oldest change. */
  poll(): Change | undefined {
    return this.#changes.shift()
  }

  enrol(peer: PeerId, user: UserId): void {
    this.peers.set(peer, user)
  }

  revoke(peer: PeerId): void {
    this.peers.delete(peer)
    this.#changes.push({ kind: 'revoked', peer })
  }

  setBlocks(user: UserId, blocks: readonly (PeerId | UserId)[]): void {
    const before = this.#blocksOf(user)
    const version = before.version + 1
    const after = new Set(blocks)
    this.#blocks.set(user, { version, blocks: after })
    this.#changes.push({ kind: 'blocks', user, version })
    for (const to of [...before.blocks].filter((one) => !after.has(one))) this.#show(user, to, true)
    for (const to of blocks.filter((one) => !before.blocks.has(one))) this.#show(user, to, false)
  }

  #show(user: UserId, to: PeerId | UserId, isSeen: boolean): void {
    for (const item of this.presence.values())
      if (item.user === user) this.#changes.push({ kind: 'shown', item, to, isSeen })
  }

  blocksOf(user: UserId): readonly (PeerId | UserId)[] {
    return [...this.#blocksOf(user).blocks]
  }

  /** Sets a role; null ends the membership. */
  setRole(network: NetworkId, user: UserId, role: string | null): void {
    const members = this.#memberships.get(network) ?? new Map<UserId, string>()
    this.#memberships.set(network, members)
    const place = this.#places.get(network) ?? this.#places.size
    this.#places.set(network, place)
    const joined = this.#joined.get(user) ?? new Map<NetworkId, number>()
    this.#joined.set(user, joined)
    if (role === null) {
      members.delete(user)
      joined.delete(network)
    } else {
      members.set(user, role)
      joined.set(network, place)
    }
    this.#changes.push({ kind: 'membership', network, user, role })
  }

  setPaths(network: NetworkId, paths: Paths): void {
    this.paths.set(network, paths)
    this.#changes.push({ kind: 'paths', network, paths })
  }

  setLease(item: FleetItem): void {
    const before = this.fleet.get(item.node)
    this.fleet.set(item.node, item)
    this.#changes.push({ kind: 'fleet', after: item, ...(before && { before }) })
  }

  networksOf(user: UserId): NetworkId[] {
    const joined = [...(this.#joined.get(user) ?? [])]
    return joined.sort(([, one], [, other]) => one - other).map(([network]) => network)
  }

  nodesOf(network: NetworkId): NodeId[] {
    return [...(this.#networkNodes.get(network) ?? [])]
  }

  mailOf(peer: PeerId): StoredMessage[] {
    return [...(this.#mail.get(peer)?.values() ?? [])].sort((a, b) => (a.entry < b.entry ? -1 : 1))
  }

  /**
   * Ends a lease: the node gave it back, or the scheduled function found it expired. The node is removed and its peers go
   * offline.
   */
  endLease(node: NodeId): void {
    const before = this.fleet.get(node)
    for (const item of this.presence.values()) if (item.node === node) this.#depart(item, item.lastSeenAt)
    for (const nodes of this.#networkNodes.values()) nodes.delete(node)
    this.fleet.delete(node)
    this.#changes.push({ kind: 'fleet', ...(before && { before }) })
  }

  /** Ends expired leases, as the scheduled function does. */
  reap(now: number): void {
    for (const { node, expiresAtSeconds } of [...this.fleet.values()]) {
      if (expiresAtSeconds * 1000 <= now) this.endLease(node)
    }
  }

  answer(request: DirectoryRequest): DirectoryReply {
    switch (request.kind) {
      case 'signIn':
        return this.#signIn(request)
      case 'standings':
        return { kind: 'standings', standings: request.peers.map((one) => this.#standingOf(one)) }
      case 'blocks': {
        const { version, blocks } = this.#blocksOf(request.user)
        return { kind: 'blocks', version, blocks: [...blocks] }
      }
      case 'paths':
        return { kind: 'paths', paths: request.networks.map((network) => this.paths.get(network) ?? 'auto') }
      case 'update':
        return this.#update(request)
      case 'signOut':
        return this.#signOut(request)
      case 'locate':
        return this.#locate(request)
      case 'find':
        return this.#find(request)
      case 'storeMail':
        return this.#storeMail(request)
      case 'readMail':
        return this.#readMail(request)
      case 'discardMail':
        for (const entry of request.entries) this.#mail.get(request.peer)?.delete(entry)
        return { kind: 'discardMail' }
      case 'joinNetworks':
        for (const network of request.networks)
          this.#networkNodes.set(network, new Set(this.#networkNodes.get(network)).add(request.node))
        return { kind: 'joinNetworks', paths: request.networks.map((id) => this.paths.get(id) ?? 'auto') }
      case 'leaveNetworks':
        for (const network of request.networks) this.#networkNodes.get(network)?.delete(request.node)
        return { kind: 'leaveNetworks' }
    }
  }

  #signIn({ item }: Ask<'signIn'>): Reply<'signIn'> {
    const standing = this.#standingOf(item)
    if (standing === undefined) return { kind: 'signIn', outcome: 'revoked' }
    const before = this.presence.get(item.peer)
    const repeated = before?.since === item.since && before.node === item.node
    if (before !== undefined && before.since >= item.since && !repeated)
      return { kind: 'signIn', outcome: 'stale', since: before.since }
    this.#put({ ...item, ...standing })
    const moved = before?.node !== undefined && before.node !== item.node
    const previous = moved && { previousNode: before.node }
    return { kind: 'signIn', outcome: 'taken', standing, ...previous }
  }

  #standingOf({ peer, user }: Claimed): Standing | undefined {
    if (this.peers.get(peer) !== user) return undefined
    return { networks: this.networksOf(user), blocks: this.#blocksOf(user).version }
  }

  #blocksOf(user: UserId) {
    return this.#blocks.get(user) ?? { version: 0, blocks: new Set<PeerId | UserId>() }
  }

  #update({ item }: Ask<'update'>): Reply<'update'> {
    const before = this.presence.get(item.peer)
    const current = before?.since === item.since && before.node === item.node
    if (current && before.version <= item.version) this.#put(item)
    return { kind: 'update' }
  }

  #signOut({ peer, node, since, lastSeenAt }: Ask<'signOut'>): Reply<'signOut'> {
    const item = this.presence.get(peer)
    if (item?.node === node && item.since === since) this.#depart(item, lastSeenAt)
    return { kind: 'signOut' }
  }

  #depart({ node: _, ...item }: PresenceItem, lastSeenAt: number): void {
    this.#put({ ...item, status: 'offline', custom: '', metadata: {}, lastSeenAt, version: item.version + 1 })
  }

  #put(item: PresenceItem): void {
    const before = this.presence.get(item.peer)
    const after = { ...item, ...shownAfter(before, item) }
    this.presence.set(after.peer, after)
    this.#changes.push({ kind: 'presence', after, ...(before && { before }) })
  }

  #locate({ peer, asker }: Ask<'locate'>): Reply<'locate'> {
    const item = this.presence.get(peer)
    const user = item?.user ?? this.peers.get(peer)
    if (user === undefined) return { kind: 'locate' }
    const { since, status } = item ?? { since: 0, status: 'offline' }
    const { version, blocks } = this.#blocksOf(user)
    const hidden = [asker.peer, this.peers.get(asker.peer)].some(
      (one) => one !== undefined && blocks.has(one),
    )
    const known = { peer, user, since, status, networks: this.networksOf(user), blocks: version, hidden }
    const { node, prekey } = item ?? {}
    return { kind: 'locate', located: { ...known, ...(node && { node }), ...(prekey && { prekey }) } }
  }

  #isHidden(user: UserId, { peer }: Asker): boolean {
    const { blocks } = this.#blocksOf(user)
    const owner = this.peers.get(peer)
    return blocks.has(peer) || (owner !== undefined && blocks.has(owner))
  }

  #find({ asker, networks, filter, limit }: Ask<'find'>): Reply<'find'> {
    try {
      const wanted = parseFilter(filter)
      const found = this.#visibleIn(networks, asker, looksAtPresence(wanted)).filter(
        (record) => record.peer !== asker.peer && matches(wanted, record),
      )
      return { kind: 'find', found: found.slice(0, limit), more: found.length > limit }
    } catch (error) {
      return { kind: 'find', found: [], more: false, invalid: String(error) }
    }
  }

  #visibleIn(networks: readonly NetworkId[], asker: Claimed, isByPresence: boolean): PresenceRecord[] {
    const shared = [...this.presence.values()].filter(({ user }) =>
      networks.some((network) => this.#memberships.get(network)?.has(user)),
    )
    return shared.flatMap((item) => {
      if (!this.#isHidden(item.user, asker)) return [asSeenByOthers(item)]
      return isByPresence ? [] : [{ peer: item.peer, user: item.user, ...hiddenSince(BLOCKED_AT) }]
    })
  }

  #storeMail({ peer, user, message }: Ask<'storeMail'>): Reply<'storeMail'> {
    const mail = this.#mail.get(peer) ?? new Map<string, StoredMessage>()
    this.#mail.set(peer, mail)
    const entry = entryOf(message)
    if (mail.has(entry)) return { kind: 'storeMail', outcome: 'stored' }
    const shares = new MailboxShares()
    for (const other of mail.values()) shares.add(this.peers.get(other.from), 1)
    if (!shares.hasPlaceFor(this.peers.get(message.from))) return { kind: 'storeMail', outcome: 'full' }
    if (this.#isHidden(user, { peer: message.from })) return { kind: 'storeMail', outcome: 'stored' }
    mail.set(entry, { ...message, entry })
    this.#changes.push({ kind: 'mail', peer })
    return { kind: 'storeMail', outcome: 'stored' }
  }

  #readMail({ peer, after = '', limit }: Ask<'readMail'>): Reply<'readMail'> {
    const messages = this.mailOf(peer).filter(({ entry }) => entry > after)
    return { kind: 'readMail', messages: messages.slice(0, limit), more: messages.length > limit }
  }
}

/** Sort key of a stored message: time of sending, sender, then number. Storing a message again gives the same key. */
function entryOf({ sentAt, from, epoch, sequence }: Omit<StoredMessage, 'entry'>): string {
  return [padded(sentAt), from, padded(epoch), padded(sequence)].join(' ')
}

const padded = (value: number): string => String(value).padStart(15, '0')
