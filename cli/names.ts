/**
 * Names of peers and users next to their keys. Peers and users choose their own names. So a name is shown with the
 * first letters of the key, and accepted as an argument only if it identifies one peer.
 */
import type { IndexClient, PresenceRecord } from '../peer/index.ts'
import { StraightwayError } from '../shared/errors.ts'
import { isPeerId, type PeerId, type UserId } from '../shared/ids.ts'
import type { NetworkRecord, Page, PeerRecord, SearchQuery } from '../shared/resources.ts'
import type { Change } from '../shared/wire/presence.ts'

/** 60 bits of a key: too many to generate another key with the same beginning. */
const SHOWN = 12
/** Fewer letters are treated as a name. */
const MIN_PREFIX = 8
const PAGE = 100
/** Pages to search for a name in different case, or for a key by its beginning. */
const MAX_PAGES = 5
/** Names are cached for this long, because they rarely change. */
const KNOWN_MS = 60_000

export const shortKey = (peer: string): string => peer.slice(0, SHOWN)

export interface Known {
  readonly peer: PeerId
  readonly user: UserId
  /** `Ann`, or `Ann/laptop` if the peer has a name too. Empty if neither has one. */
  readonly name: string
}

export class Names {
  readonly #index: IndexClient
  readonly #known = new Map<PeerId, { readonly at: number; readonly known: Promise<Known | undefined> }>()
  readonly #users = new Map<UserId, { readonly at: number; readonly name: Promise<string> }>()

  constructor(index: IndexClient) {
    this.#index = index
  }

  /** `Ann/laptop (abcdefghijkl)`, or the whole key if the name is unknown. */
  async label(peer: PeerId): Promise<string> {
    const name = await this.nameOf(peer)
    return name === '' ? peer : `${name} (${shortKey(peer)})`
  }

  /** Name of a peer; empty if unknown. */
  async nameOf(peer: PeerId): Promise<string> {
    return (await this.#about(peer))?.name ?? ''
  }

  async userName(user: UserId): Promise<string> {
    const known = this.#users.get(user)
    if (known !== undefined && performance.now() - known.at < KNOWN_MS) return known.name
    const name = this.#index.users.get(user).then(
      (found) => found.name,
      () => {
        this.#users.delete(user)
        return ''
      },
    )
    this.#users.set(user, { at: performance.now(), name })
    return name
  }

  /** Finds the one peer that the text identifies. Throws `unknown-peer`, or `bad-request` with the candidates. */
  async peerOf(text: string): Promise<PeerId> {
    if (isPeerId(text)) return text
    return (await this.#one(text, await this.#peersOf(text))).peer
  }

  /** Finds all peers with this name, or whose key begins with the text. */
  async peersCalled(text: string): Promise<PresenceRecord[]> {
    const found = isPeerId(text)
      ? await this.#index.peers.get(text).then((record) => [record])
      : await this.#peersOf(text)
    return Promise.all(found.map((record) => this.recordOf(record)))
  }

  async recordOf({ peer, user, name, presence }: PeerRecord): Promise<PresenceRecord> {
    return { peer, user, ...presence, name, userName: await this.userName(user) }
  }

  /** Finds the recipient of a message: a peer, or a user, who gets it on all peers. */
  async recipientOf(text: string): Promise<PeerId | UserId> {
    if (isPeerId(text) || isUserId(text)) return text as PeerId | UserId
    const found = await this.#peersOf(text)
    const users = new Set(found.map(({ user }) => user))
    if (found.length > 1 && users.size === 1 && !text.includes('/')) return found[0]!.user
    return (await this.#one(text, found)).peer
  }

  /** Finds the subject of a permission or a block. A key stands for its peer, a name for its user. */
  async subjectOf(text: string): Promise<PeerId | UserId> {
    if (isPeerId(text) || isUserId(text)) return text as PeerId | UserId
    const found = await this.#peersOf(text)
    const users = new Set(found.map(({ user }) => user))
    return users.size === 1 ? found[0]!.user : (await this.#one(text, found)).peer
  }

  /** Finds one network by its id or name; without a text, the only network there is. */
  async networkOf(text: string | undefined): Promise<NetworkRecord> {
    const all = await this.networks()
    const named =
      text === undefined ? all : all.filter(({ network, name }) => network === text || isSame(name, text))
    if (named.length === 1) return named[0]!
    const list = all.map(({ network, name }) => `${name} (${network})`).join(', ')
    if (named.length === 0)
      throw new StraightwayError('not-found', `There is no such network here. Yours: ${list || 'none'}.`)
    throw new StraightwayError('bad-request', `Which network? Say one of: ${list}.`)
  }

  /** Describes a change of a network. */
  async told(change: Change): Promise<string> {
    if (change.kind !== 'membership') return `changed: ${change.entity} ${change.id}`
    const { network, user, role } = change
    const [who, where] = await Promise.all([
      this.userName(user),
      this.#index.networks.get(network).then(
        ({ name }) => name,
        () => network,
      ),
    ])
    return `${who || user} ${role === null ? 'left' : `is ${role} of`} ${where}`
  }

  async networks(): Promise<NetworkRecord[]> {
    return pages((query) => this.#index.networks.list(query))
  }

  #about(peer: PeerId): Promise<Known | undefined> {
    const known = this.#known.get(peer)
    if (known !== undefined && performance.now() - known.at < KNOWN_MS) return known.known
    const asked = this.#index.peers.get(peer).then(
      (record) => this.#withUser(record),
      () => {
        this.#known.delete(peer)
        return undefined
      },
    )
    this.#known.set(peer, { at: performance.now(), known: asked })
    return asked
  }

  async #withUser({ peer, user, name }: PeerRecord): Promise<Known> {
    return { peer, user, name: joined(await this.userName(user), name) }
  }

  async #peersOf(text: string): Promise<PeerRecord[]> {
    if (isUserId(text)) return this.#peersOfUser(text as UserId)
    const [user, peer] = text.split('/', 2) as [string, string | undefined]
    const exact = peer === undefined ? await this.#named(text) : await this.#ofUser(user, peer)
    return exact.length > 0 ? exact : this.#likely(text)
  }

  /** Finds peers with this name, and the peers of users with this name. */
  async #named(name: string): Promise<PeerRecord[]> {
    const filter = `name eq ${JSON.stringify(name)}`
    const [peers, users] = await Promise.all([
      this.#index.peers.list({ filter }),
      this.#index.users.list({ filter }),
    ])
    const theirs = await Promise.all(users.items.map(({ user }) => this.#peersOfUser(user)))
    return distinct([...peers.items, ...theirs.flat()])
  }

  async #ofUser(user: string, peer: string): Promise<PeerRecord[]> {
    return (await this.#named(user)).filter(({ name }) => isSame(name, peer))
  }

  async #peersOfUser(user: UserId): Promise<PeerRecord[]> {
    const filter = `user eq ${JSON.stringify(user)}`
    return pages((query) => this.#index.peers.list({ ...query, filter }))
  }

  /**
   * Finds peers by a name in different case, or by the beginning of a key. The index of names lags behind a change by
   * about a second.
   */
  async #likely(text: string): Promise<PeerRecord[]> {
    const peers = await pages((query) => this.#index.peers.list(query))
    if (/^[a-z2-7]+$/.test(text) && text.length >= MIN_PREFIX) {
      const begun = peers.filter(({ peer }) => peer.startsWith(text))
      if (begun.length > 0) return begun
    }
    const names = await Promise.all(peers.map((each) => this.#withUser(each)))
    return peers.filter((each, i) => {
      const [user = ''] = names[i]!.name.split('/')
      return isSame(each.name, text) || isSame(user, text) || isSame(names[i]!.name, text)
    })
  }

  /** Picks the only candidate, or the only one that is online among the peers of one user. */
  async #one(text: string, all: readonly PeerRecord[]): Promise<PeerRecord> {
    const found = all.filter(({ revokedAt }) => revokedAt === undefined)
    const online = found.filter(
      ({ presence }) => presence.status !== 'offline' && presence.status !== 'unknown',
    )
    const users = new Set(found.map(({ user }) => user))
    if (found.length === 1) return found[0]!
    if (users.size === 1 && online.length === 1) return online[0]!
    if (found.length === 0)
      throw new StraightwayError(
        'unknown-peer',
        `Nobody in your networks is called ${text}: \`straightway find\` lists them.`,
      )
    const names = await Promise.all(found.slice(0, 10).map(({ peer }) => this.label(peer)))
    throw new StraightwayError(
      'bad-request',
      `${text} may be ${names.join(' or ')}: give the letters in brackets.`,
    )
  }
}

const isUserId = (text: string): boolean => /^u_[a-z2-7]{16}$/.test(text)
const folded = (text: string): string => text.normalize('NFC').toLowerCase()
const isSame = (one: string, other: string): boolean => one !== '' && folded(one) === folded(other)

/** Names that INDEX gives to those without one. */
const NAMELESS = new Set(['user', 'peer', ''])

/** Shown name of a peer: `Ann`, or `Ann/laptop`. */
export const shownName = ({ userName, name }: PresenceRecord): string => joined(userName, name)

function joined(ofUser: string, ofPeer: string): string {
  const [user, peer] = [ofUser, ofPeer].map((name) => (NAMELESS.has(name) ? '' : name)) as [string, string]
  if (user === '' || peer === '' || user === peer) return user || peer
  return `${user}/${peer}`
}

const distinct = (peers: readonly PeerRecord[]): PeerRecord[] => [
  ...new Map(peers.map((each) => [each.peer, each])).values(),
]

/** All items of a listing, up to MAX_PAGES pages; a terminal would not show more. */
export async function pages<T>(list: (query: SearchQuery) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = []
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const listed = await list({ limit: PAGE, ...(cursor !== undefined && { cursor }) })
    items.push(...listed.items)
    cursor = listed.cursor
    if (cursor === undefined) break
  }
  return items
}
