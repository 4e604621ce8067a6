import type { NetworkId, PeerId, UserId } from '../../ids.ts'
import type { PeerSession } from './peer-session.ts'

const NOBODY: ReadonlySet<PeerSession> = new Set()

/** The online sessions of this node, by peer, by user and by network. */
export class Roster {
  readonly #peers = new Map<PeerId, PeerSession>()
  /** A user with one peer here, as most have, has no set. */
  readonly #users = new Map<UserId, PeerSession | Set<PeerSession>>()
  readonly #networks = new Map<NetworkId, Set<PeerSession>>()

  get size(): number {
    return this.#peers.size
  }

  get(peer: PeerId): PeerSession | undefined {
    return this.#peers.get(peer)
  }

  all(): Iterable<PeerSession> {
    return this.#peers.values()
  }

  ofUser(user: UserId): ReadonlySet<PeerSession> {
    const own = this.#users.get(user) ?? NOBODY
    return 'slot' in own ? new Set([own]) : own
  }

  inNetwork(network: NetworkId): ReadonlySet<PeerSession> {
    return this.#networks.get(network) ?? NOBODY
  }

  add(session: PeerSession): void {
    this.#peers.set(session.peer, session)
    this.#addToUser(session)
    for (const network of session.networks) addTo(this.#networks, network, session)
  }

  remove(session: PeerSession): void {
    if (this.#peers.get(session.peer) === session) this.#peers.delete(session.peer)
    this.#removeFromUser(session)
    for (const network of session.networks) removeFrom(this.#networks, network, session)
  }

  /** Sets the networks of a session. */
  setNetworks(session: PeerSession, networks: readonly NetworkId[]): void {
    for (const network of session.networks) removeFrom(this.#networks, network, session)
    session.networks = networks
    for (const network of networks) addTo(this.#networks, network, session)
  }

  #addToUser(session: PeerSession): void {
    const own = this.#users.get(session.user)
    if (own === undefined) this.#users.set(session.user, session)
    else if (!('slot' in own)) own.add(session)
    else if (own !== session) this.#users.set(session.user, new Set([own, session]))
  }

  #removeFromUser(session: PeerSession): void {
    const own = this.#users.get(session.user)
    if (own === undefined || own === session) this.#users.delete(session.user)
    else if (!('slot' in own) && own.delete(session) && own.size === 0) this.#users.delete(session.user)
  }
}

function addTo<K>(sets: Map<K, Set<PeerSession>>, key: K, session: PeerSession): void {
  const set = sets.get(key)
  if (set === undefined) sets.set(key, new Set([session]))
  else set.add(session)
}

function removeFrom<K>(sets: Map<K, Set<PeerSession>>, key: K, session: PeerSession): void {
  const set = sets.get(key)
  set?.delete(session)
  if (set?.size === 0) sets.delete(key)
}
