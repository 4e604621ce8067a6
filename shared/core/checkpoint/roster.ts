import type { NetworkId, PeerId, UserId } from '../../ids.ts'
import type { PeerSession } from './peer-session.ts'

const NOBODY: ReadonlySet<PeerSession> = new Set()

/** The online sessions of this node, by peer, by user and by network. */
export class Roster {
  readonly #peers = new Map<PeerId, PeerSession>()
  readonly #users = new Map<UserId, Set<PeerSession>>()
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
    return this.#users.get(user) ?? NOBODY
  }

  inNetwork(network: NetworkId): ReadonlySet<PeerSession> {
    return this.#networks.get(network) ?? NOBODY
  }

  add(session: PeerSession): void {
    this.#peers.set(session.peer, session)
    addTo(this.#users, session.user, session)
    for (const network of session.networks) addTo(this.#networks, network, session)
  }

  remove(session: PeerSession): void {
    if (this.#peers.get(session.peer) === session) this.#peers.delete(session.peer)
    removeFrom(this.#users, session.user, session)
    for (const network of session.networks) removeFrom(this.#networks, network, session)
  }

  /** Sets the networks of a session. */
  setNetworks(session: PeerSession, networks: readonly NetworkId[]): void {
    for (const network of session.networks) removeFrom(this.#networks, network, session)
    session.networks = networks
    for (const network of networks) addTo(this.#networks, network, session)
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
