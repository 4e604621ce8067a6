/**
 * A peer's standing with INDEX: enrols it the first time, keeps its ticket fresh, and knows the nodes. What is asked for
 * in the background is asked again until INDEX answers.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PeerNode, PlacedStun } from '../shared/core/peer/events.ts'
import { type Identity, selfSignedProof } from '../shared/crypto/identity.ts'
import type { TlsEndpoint } from '../shared/directory.ts'
import { now } from '../shared/drive/clock.ts'
import { StraightwayError } from '../shared/errors.ts'
import type { NetworkId, NodeId, UserId } from '../shared/ids.ts'
import { type Address, sameAddress } from '../shared/wire/address.ts'
import type { Home } from './home/home.ts'
import {
  type Bootstrap,
  type BootstrapNode,
  enrol,
  fetchBootstrap,
  fetchTicket,
  type Ticket,
} from './rest/enrolment.ts'
import { type IndexClient, indexClient } from './rest/index-client.ts'
import { Requests } from './rest/requests.ts'

const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 30_000
/** While it is not INDEX that answers, as in a captive portal: back soon after somebody has signed in there. */
const LONGEST_WAIT_OUTSIDE_MS = 3000
/** INDEX answers from its cache for this long. */
const MISSED_MS = 5000
/** A ticket is not used for requests in its last minute: clocks differ. */
const SPARE_MS = 60_000

export interface Credentials {
  readonly invite?: string | undefined
  readonly idToken?: string | undefined
  readonly name?: string | undefined
}

export class Account {
  readonly index: IndexClient
  /** Called when the nodes were asked for again. */
  onNodes: () => void = () => {}
  readonly #identity: Identity
  readonly #home: Home
  readonly #requests: Requests
  readonly #stop = new AbortController()
  #hurry = new AbortController()
  #ticket: Ticket | undefined
  #bootstrap: Bootstrap = { nodes: [], websocket: undefined }
  #missedAt = Number.NEGATIVE_INFINITY

  /** Throws `bad-request` where `index` is no address. */
  constructor(index: string, identity: Identity, home: Home) {
    this.#identity = identity
    this.#home = home
    const credential = async () => (await this.#current()).ticket
    this.#requests = new Requests(index, credential, this.#stop.signal)
    this.index = indexClient(this.#requests)
  }

  /** After `signUp`. */
  get user(): UserId {
    return this.ticket.user
  }

  get networks(): readonly NetworkId[] {
    return this.ticket.networks
  }

  /** After `signUp`. */
  get ticket(): Ticket {
    return this.#ticket!
  }

  /** Where to sign in, as last heard. */
  get checkpoints(): PeerNode[] {
    const nodes = this.#bootstrap.nodes.filter(({ checkpoint }) => checkpoint.length > 0)
    return nodes.map(({ node, publicKey, checkpoint, region }) => {
      return { node, publicKey, addresses: checkpoint, ...(region !== undefined && { region }) }
    })
  }

  get stun(): PlacedStun[] {
    return this.#bootstrap.nodes.flatMap(serverOf)
  }

  /** Of the gateway. */
  get websocket(): string | undefined {
    return this.#bootstrap.websocket
  }

  /** Whose address of that service it is, as far as is known. */
  nodeAt(service: 'checkpoint' | 'handshake', words: Uint32Array, at: number): NodeId | undefined {
    const isIts = (address: Address) => sameAddress(address.words, 0, words, at)
    return this.#bootstrap.nodes.find((node) => node[service].some(isIts))?.node
  }

  /** How the relay at that address is reached without UDP, as far as is known. */
  relayTlsAt(words: Uint32Array, at: number): TlsEndpoint | undefined {
    const isIts = (address: Address) => sameAddress(address.words, 0, words, at)
    return this.#bootstrap.nodes.find(({ relay }) => relay.some(isIts))?.relayTls
  }

  /** All addresses of the relay at that one; only that where the relay is not known. */
  relayAddresses(words: Uint32Array): readonly Address[] {
    const isIts = (address: Address) => sameAddress(address.words, 0, words, 0)
    return this.#bootstrap.nodes.find(({ relay }) => relay.some(isIts))?.relay ?? [{ words }]
  }

  /** What shows the gateway who we are. */
  gatewayProof(): string {
    return this.#proofFor('gateway', this.websocket ?? this.#requests.base)
  }

  /** A node is not known, or not where it was: asks who there is now, from time to time. */
  missed(): void {
    if (now() - this.#missedAt < MISSED_MS) return
    this.#missedAt = now()
    this.refreshNodes().catch(() => {})
  }

  /**
   * Gets the first ticket and the nodes; enrols with an invite or ID token where the peer is not enrolled yet. Errors:
   * `unknown-peer` where it is not and there is neither, what is wrong with the invite, `forbidden`, `unavailable`.
   */
  async signUp(credentials: Credentials): Promise<Ticket> {
    // In this order: the first answer tells the time by which the proof is made.
    const bootstrap = await fetchBootstrap(this.#requests)
    const ticket = await this.#firstTicket(credentials)
    if (bootstrap.nodes.length === 0) {
      throw new StraightwayError(
        'unavailable',
        'INDEX answers, but no node is running: start one, or wait for it.',
      )
    }
    this.#bootstrap = bootstrap
    this.#home.enrol({ index: this.#requests.base, user: ticket.user })
    return this.#keep(ticket)
  }

  /** Rejects where asking again is no use: the peer is revoked, unknown, or the account was closed. */
  renewTicket(): Promise<Ticket> {
    return this.#untilAnswered(async () => this.#keep(await this.#fetchTicket()))
  }

  /** Asks who there is now: `onNodes` follows. Rejects if the account was closed. */
  refreshNodes(): Promise<void> {
    return this.#untilAnswered(async () => {
      const bootstrap = await fetchBootstrap(this.#requests)
      if (bootstrap.nodes.length > 0) this.#bootstrap = bootstrap
      this.onNodes()
    })
  }

  close(): void {
    this.#stop.abort()
  }

  async #firstTicket({ invite, idToken, name }: Credentials): Promise<Ticket> {
    const mayEnrol = invite !== undefined || idToken !== undefined
    const isKnown = this.#home.enrolled?.index === this.#requests.base
    if (mayEnrol && !isKnown) return this.#enrol({ invite, idToken, name })
    try {
      return await this.#fetchTicket()
    } catch (error) {
      if (!(error instanceof StraightwayError) || error.code !== 'unknown-peer') throw error
      if (mayEnrol) return this.#enrol({ invite, idToken, name })
      const detail = `INDEX at ${this.#requests.base} does not know this peer: give an invite the first time.`
      throw new StraightwayError('unknown-peer', detail, { cause: error })
    }
  }

  #enrol(credentials: Credentials): Promise<Ticket> {
    const { invite, idToken, name } = credentials
    const user = name === undefined ? undefined : { name }
    return this.#proving((proof) => enrol(this.#requests, { proof, invite, idToken, name, user }))
  }

  #fetchTicket(): Promise<Ticket> {
    return this.#proving((proof) => fetchTicket(this.#requests, proof))
  }

  /** Once more where the proof was refused: after a sleep only that answer tells what time it is. */
  async #proving(send: (proof: string) => Promise<Ticket>): Promise<Ticket> {
    const proof = () => this.#proofFor('index', this.#requests.base)
    try {
      return await send(proof())
    } catch (error) {
      if (!(error instanceof StraightwayError) || error.code !== 'unauthenticated') throw error
      return send(proof())
    }
  }

  #proofFor(door: 'index' | 'gateway', url: string): string {
    const audience = `straightway-${door}://${new URL(url).host}`
    const id = randomBytes(16).toString('base64url')
    return selfSignedProof(this.#identity, { audience, issuedAt: this.#requests.serverTime, id })
  }

  /** INDEX has just given it: its life counts from now, by a clock that nobody sets. */
  #keep(given: Ticket): Ticket {
    const expiresAt = now() + given.expiresAt - this.#requests.serverTime
    this.#ticket = { ...given, expiresAt }
    return this.#ticket
  }

  async #current(): Promise<Ticket> {
    const ticket = this.#ticket
    return ticket !== undefined && ticket.expiresAt - SPARE_MS > now() ? ticket : this.renewTicket()
  }

  /** The network is another one: what waits to be asked again is asked now. */
  hurry(): void {
    this.#hurry.abort()
    this.#hurry = new AbortController()
  }

  async #untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
    const { signal } = this.#stop
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, this.#longestWaitMs)) {
      try {
        return await ask()
      } catch (error) {
        if (signal.aborted || !isPassing(error)) throw error
      }
      await this.#pause(Math.min(waitMs, this.#longestWaitMs) * (0.75 + Math.random() / 2))
    }
  }

  get #longestWaitMs(): number {
    return this.#requests.isReached ? LONGEST_WAIT_MS : LONGEST_WAIT_OUTSIDE_MS
  }

  /** Rejects if the account was closed. */
  async #pause(ms: number): Promise<void> {
    const signal = AbortSignal.any([this.#stop.signal, this.#hurry.signal])
    await sleep(ms, undefined, { signal }).catch(() => {})
    this.#stop.signal.throwIfAborted()
  }
}

function serverOf({ stun: [primary, alternate], region }: BootstrapNode): PlacedStun[] {
  if (primary === undefined) return []
  return [{ primary, ...(alternate && { alternate }), ...(region !== undefined && { region }) }]
}

const PASSING = new Set(['unavailable', 'internal', 'rate-limited', 'timeout'])
const isPassing = (error: unknown): boolean => error instanceof StraightwayError && PASSING.has(error.code)
