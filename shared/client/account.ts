/**
 * A peer's account at INDEX: enrols the peer, keeps its ticket fresh and keeps the list of nodes. Background requests
 * are retried with backoff until INDEX answers.
 */
import type { PeerNode, PlacedStun } from '../core/peer/events.ts'
import { type Identity, selfSignedProof } from '../crypto/identity.ts'
import type { TlsEndpoint } from '../directory.ts'
import { now } from '../drive/clock.ts'
import { StraightwayError } from '../errors.ts'
import type { NetworkId, NodeId, UserId } from '../ids.ts'
import {
  type Bootstrap,
  type BootstrapNode,
  enrol,
  fetchBootstrap,
  fetchTicket,
  type Ticket,
} from '../rest-client/enrolment.ts'
import { type IndexClient, indexClient } from '../rest-client/index-client.ts'
import { Requests, type Transport } from '../rest-client/requests.ts'
import { type Address, sameAddress } from '../wire/address.ts'
import { toBase64url } from '../wire/base64url.ts'
import type { Home } from './home.ts'
import { pause } from './pause.ts'

const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 30_000
/**
 * Longest wait while something other than INDEX answers, such as a captive portal. Short, so that the peer is back soon
 * after somebody has signed in there.
 */
const LONGEST_WAIT_OUTSIDE_MS = 3000
/** INDEX answers from its cache for this long, so asking more often is useless. */
const MISSED_MS = 5000
/** A ticket is not used for requests in its last minute, because clocks differ. */
const SPARE_MS = 60_000

export interface Credentials {
  readonly invite?: string | undefined
  readonly idToken?: string | undefined
  readonly name?: string | undefined
}

export class Account {
  readonly index: IndexClient
  /** Called when the list of nodes has been refreshed. */
  onNodes: () => void = () => {}
  readonly #identity: Identity
  readonly #home: Home
  readonly #requests: Requests
  readonly #stop = new AbortController()
  #hurry = new AbortController()
  #ticket: Ticket | undefined
  #bootstrap: Bootstrap = { nodes: [], websocket: undefined }
  #missedAt = Number.NEGATIVE_INFINITY

  /** `transport`: default `fetch`. Throws `bad-request` if `index` is not an address. */
  constructor(index: string, identity: Identity, home: Home, transport?: Transport) {
    this.#identity = identity
    this.#home = home
    const credential = async () => (await this.#current()).ticket
    this.#requests = new Requests(index, credential, {
      stop: this.#stop.signal,
      ...(transport && { transport }),
    })
    this.index = indexClient(this.#requests)
  }

  /** Valid after `signUp`. */
  get user(): UserId {
    return this.ticket.user
  }

  get networks(): readonly NetworkId[] {
    return this.ticket.networks
  }

  /** Valid after `signUp`. */
  get ticket(): Ticket {
    return this.#ticket!
  }

  /** The ticket for nodes, which accept it for longer than INDEX does. Valid after `signUp`. */
  get signInTicket(): { readonly ticket: string; readonly expiresAt: number } {
    const { ticket, expiresAt, signInUntil = expiresAt } = this.ticket
    return { ticket, expiresAt: signInUntil }
  }

  /** CHECKPOINTs to sign in at, from the last list of nodes. */
  get checkpoints(): PeerNode[] {
    const nodes = this.#bootstrap.nodes.filter(({ checkpoint }) => checkpoint.length > 0)
    return nodes.map(({ node, publicKey, checkpoint, region }) => {
      return { node, publicKey, addresses: checkpoint, ...(region !== undefined && { region }) }
    })
  }

  get stun(): PlacedStun[] {
    return this.#bootstrap.nodes.flatMap(serverOf)
  }

  /** URL of the gateway; undefined if there is none. */
  get websocket(): string | undefined {
    return this.#bootstrap.websocket
  }

  /** The node that has this address for the service; undefined if unknown. */
  nodeAt(service: 'checkpoint' | 'handshake', words: Uint32Array, at: number): NodeId | undefined {
    const isIts = (address: Address) => sameAddress(address.words, 0, words, at)
    return this.#bootstrap.nodes.find((node) => node[service].some(isIts))?.node
  }

  /** TLS endpoint of the relay at this address; undefined if unknown. */
  relayTlsAt(words: Uint32Array, at: number): TlsEndpoint | undefined {
    const isIts = (address: Address) => sameAddress(address.words, 0, words, at)
    return this.#bootstrap.nodes.find(({ relay }) => relay.some(isIts))?.relayTls
  }

  /** All addresses of the relay at this address; only this one if the relay is unknown. */
  relayAddresses(words: Uint32Array): readonly Address[] {
    const isIts = (address: Address) => sameAddress(address.words, 0, words, 0)
    return this.#bootstrap.nodes.find(({ relay }) => relay.some(isIts))?.relay ?? [{ words }]
  }

  /** A signed proof of identity for the gateway. */
  gatewayProof(): string {
    return this.#proofFor('gateway', this.websocket ?? this.#requests.base)
  }

  /** Reports that a node is unknown or has moved. Refreshes the list of nodes, at most every MISSED_MS. */
  missed(): void {
    if (now() - this.#missedAt < MISSED_MS) return
    this.#missedAt = now()
    this.refreshNodes().catch(() => {})
  }

  /**
   * Gets the first ticket and the list of nodes. Enrols the peer with the invite or ID token if it is not enrolled yet.
   * Rejects with `unknown-peer` if it is not enrolled and has neither, `forbidden`, `unavailable`, or an error about
   * the invite.
   */
  async signUp(credentials: Credentials): Promise<Ticket> {
    // The order matters: the first answer tells INDEX's time, which the proof contains.
    const bootstrap = await fetchBootstrap(this.#requests)
    const ticket = await this.#firstTicket(credentials)
    if (bootstrap.nodes.length === 0) {
      throw new StraightwayError(
        'unavailable',
        'INDEX answers, but no node is running: start one, or wait for it.',
      )
    }
    this.#bootstrap = bootstrap
    await this.#home.enrol({ index: this.#requests.base, user: ticket.user })
    return this.#keep(ticket)
  }

  /**
   * Renews the ticket, with retries. Rejects if a retry is useless: the peer is revoked or unknown, or the account was
   * closed.
   */
  renewTicket(): Promise<Ticket> {
    return this.#untilAnswered(async () => this.#keep(await this.#fetchTicket()))
  }

  /** Refreshes the list of nodes, with retries, and calls `onNodes`. Rejects if the account was closed. */
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

  /**
   * Sends a proof, and a second one if the first is refused. After a sleep of the machine, only the refusal tells
   * INDEX's time.
   */
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
    const id = toBase64url(crypto.getRandomValues(new Uint8Array(16)))
    return selfSignedProof(this.#identity, { audience, issuedAt: this.#requests.serverTime, id })
  }

  /** Stores a ticket that INDEX has just issued. Its lifetimes count from now on a monotonic clock. */
  #keep(given: Ticket): Ticket {
    const here = (time: number) => now() + time - this.#requests.serverTime
    const { expiresAt, signInUntil } = given
    const until = typeof signInUntil === 'number' ? signInUntil : expiresAt
    this.#ticket = { ...given, expiresAt: here(expiresAt), signInUntil: here(until) }
    return this.#ticket
  }

  async #current(): Promise<Ticket> {
    const ticket = this.#ticket
    return ticket !== undefined && ticket.expiresAt - SPARE_MS > now() ? ticket : this.renewTicket()
  }

  /** Retries immediately whatever waits for its next attempt, because the network changed. */
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

  /** Waits for `ms` or until `hurry`. Rejects if the account was closed. */
  async #pause(ms: number): Promise<void> {
    const signal = AbortSignal.any([this.#stop.signal, this.#hurry.signal])
    await pause(ms, signal, { holds: true })
    this.#stop.signal.throwIfAborted()
  }
}

function serverOf({ stun: [primary, alternate], region }: BootstrapNode): PlacedStun[] {
  if (primary === undefined) return []
  return [{ primary, ...(alternate && { alternate }), ...(region !== undefined && { region }) }]
}

const PASSING = new Set(['unavailable', 'internal', 'rate-limited', 'timeout'])
const isPassing = (error: unknown): boolean => error instanceof StraightwayError && PASSING.has(error.code)
