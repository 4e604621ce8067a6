/** The peers of a fleet, with one user each, in networks of equal size. Items of users and peers derive from their number. */
import { randomBytes } from 'node:crypto'
import type { PeerNode } from '../../shared/core/peer/events.ts'
import { SignInAttempt } from '../../shared/core/peer/sign-in.ts'
import type { FrameSink, Session } from '../../shared/core/session/session.ts'
import { type Identity, identityOf } from '../../shared/crypto/identity.ts'
import type { PeerId, UserId } from '../../shared/ids.ts'
import { itemOfUser, newUser } from '../../shared/store/users.ts'
import { ADDRESS_WORDS } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { decodeMessage, encodeMessage, encodeReceipt } from '../../shared/wire/messages.ts'
import { FRAME, KIND } from '../../shared/wire/numbers.ts'
import { encodeStatus } from '../../shared/wire/presence.ts'
import { benchTicket } from '../ticket.ts'
import { networkId, seatedNumber, userOf } from './ids.ts'
import type { Derived } from './tables.ts'

/** Address of the first peer: 10.0.0.0. Each peer has its own. */
const FIRST_ADDRESS = 0x0a000000
const PORT = 4000
const BODY = new Uint8Array(80)

export interface BenchPeer {
  readonly number: number
  readonly identity: Identity
  /** Number of the node that it is signed in to, or is signing in to. */
  at: number
  attempt: SignInAttempt | undefined
  session: Session | undefined
  version: number
  sequence: number
}

export class Population {
  /** The peers that sign in. */
  readonly peers: BenchPeer[] = []
  /** The numbers of the peers that are only in the tables (seated.ts): from the first to the one after the last. */
  readonly seats: { readonly from: number; readonly to: number }
  readonly networkSize: number
  readonly #byPeer = new Map<PeerId, number>()
  readonly #byUser = new Map<UserId, number>()

  /** `signedIn`: the peers that sign in, of `all`. The others are in networks of their own. */
  constructor(all: number, signedIn: number, networkSize: number) {
    this.networkSize = networkSize
    for (let number = 0; number < signedIn; number++) {
      const identity = identityOf(randomBytes(32))
      const session = { attempt: undefined, session: undefined, version: 0, sequence: 0 }
      this.peers.push({ number, identity, at: 0, ...session })
      this.#byPeer.set(identity.peer, number)
      this.#byUser.set(userOf(identity.peer), number)
    }
    const from = Math.ceil(signedIn / networkSize) * networkSize
    this.seats = { from, to: Math.max(from, all) }
  }

  /** A random other peer of the same network. */
  neighbourOf({ number }: BenchPeer): BenchPeer {
    const first = number - (number % this.networkSize)
    const others = Math.min(this.networkSize, this.peers.length - first)
    return this.peers[first + ((number - first + 1 + Math.floor(Math.random() * (others - 1))) % others)]!
  }

  get derived(): Derived {
    const kept = { name: 'phone', attributes: {}, createdAt: 1, updatedAt: 1, version: 1 }
    const [name, attributes, paths] = ['bench', {}, 'auto'] as const
    return {
      Peers: ({ peer }) =>
        this.#numberOf(peer as PeerId) === undefined
          ? undefined
          : { peer, user: userOf(peer as PeerId), ...kept },
      Users: ({ user }) => {
        const number = this.#numberOf(user as UserId)
        if (number === undefined) return undefined
        const networks = [networkId(Math.floor(number / this.networkSize))]
        return { ...itemOfUser({ ...newUser({ name: 'somebody' }, 1), user: user as UserId, networks }) }
      },
      Networks: ({ network }) => ({ network, name, attributes, paths, owners: 1, version: 1 }),
      Collections: () => undefined,
    }
  }

  /** Number of the peer, or of the peer of the user. */
  #numberOf(id: PeerId | UserId): number | undefined {
    const seated = seatedNumber(id)
    if (seated !== undefined && seated >= this.seats.from && seated < this.seats.to) return seated
    return this.#byPeer.get(id as PeerId) ?? this.#byUser.get(id as UserId)
  }
}

/** The peers' side of sessions. Datagrams of a peer go to its node, by `out`; datagrams of nodes are handled here. */
export class PeerSide implements FrameSink {
  readonly welcomed: BenchPeer[] = []
  delivered = 0
  readonly #population: Population
  readonly #nodes: readonly PeerNode[]
  readonly #said = new Batch()

  constructor(population: Population, nodes: readonly PeerNode[]) {
    this.#population = population
    this.#nodes = nodes
  }

  signIn(peer: BenchPeer, at: number, out: Batch, now: number): void {
    const node = this.#nodes[at]!
    peer.at = at
    peer.session = undefined
    peer.version = 1
    peer.attempt = new SignInAttempt({
      ...{ identity: peer.identity, node, address: node.addresses[0]!, index: peer.number + 1 },
      ticket: Buffer.from(benchTicket(peer.identity, now).ticket),
      ...{ sentAt: now, ephemeralSeed: randomBytes(32) },
    })
    peer.attempt.tick(this.#said, now)
    this.#leave(peer, out)
  }

  signOut(peer: BenchPeer, out: Batch, now: number): void {
    peer.session?.goodbye('leaving')
    this.flush(peer, out, now)
    peer.session = undefined
  }

  setStatus(peer: BenchPeer, status: 'online' | 'away', out: Batch, now: number): void {
    const update = { version: ++peer.version, status, custom: '', metadata: { game: 'chess' } }
    peer.session?.send(FRAME.STATUS, encodeStatus(update))
    this.flush(peer, out, now)
  }

  message(from: BenchPeer, to: BenchPeer, out: Batch, now: number): void {
    const sequence = ++from.sequence
    const number = { epoch: from.number + 1, sequence, previous: 0, previousIsStored: false, sentAt: now }
    from.session?.send(FRAME.MESSAGE, encodeMessage({ peer: to.identity.peer, ...number, body: BODY }))
    this.flush(from, out, now)
  }

  flush(peer: BenchPeer, out: Batch, now: number): void {
    peer.session?.flush(this.#said, now)
    this.#leave(peer, out)
  }

  /** Handles datagram `i` of a node, and returns the peer that it was for; undefined if it was for none. */
  hear(from: Batch, i: number, out: (node: number) => Batch, now: number): BenchPeer | undefined {
    const peer = this.#population.peers[from.address[i * ADDRESS_WORDS + 3]! - FIRST_ADDRESS]
    if (peer === undefined) return undefined
    const kind = from.bytes[from.start(i) + 1]
    if (kind === KIND.WELCOME) {
      const welcomed = peer.attempt?.takeWelcome(from.at(i).slice(), now)
      if (welcomed?.welcome.status === 'welcome') {
        peer.session = welcomed.session
        peer.attempt = undefined
        this.welcomed.push(peer)
        peer.session.send(
          FRAME.STATUS,
          encodeStatus({ version: 1, status: 'online', custom: '', metadata: { game: 'chess' } }),
        )
      }
    } else if (kind === KIND.COOKIE) peer.attempt?.takeCookie(from.at(i).slice(), this.#said)
    else if (kind === KIND.SEALED && peer.session !== undefined) {
      peer.session.receive(from, i, now, this)
    }
    this.flush(peer, out(peer.at), now)
    return peer
  }

  frame(session: Session, type: number, body: Uint8Array): void {
    if (type !== FRAME.MESSAGE) return
    const message = decodeMessage(body)
    if (message === undefined) return
    this.delivered++
    const { peer, epoch, sequence } = message
    session.send(FRAME.RECEIPT, encodeReceipt({ peer, epoch, sequence, outcome: 'delivered' }))
  }

  #leave(peer: BenchPeer, out: Batch): void {
    const words = Uint32Array.of(0, 0, 0xffff, FIRST_ADDRESS + peer.number, PORT)
    for (let i = 0; i < this.#said.count; i++) out.push(this.#said.at(i), words)
    this.#said.clear()
  }
}
