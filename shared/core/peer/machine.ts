/**
 * The peer's side of CHECKPOINT. It always tries to be signed in at one node:
 *
 *   resting    waits: for a list of nodes or a ticket, for the next round after every node failed (1 s doubling to 30 s),
 *              or, after it was replaced or revoked, for a new ticket
 *   round      tries one address after another, the near ones first (`round.ts`)
 *   online     has a session (`online.ts`); keep-alives show that the node is there (`pace.ts`)
 *
 * Everything that concerns other peers outlives a session (`affairs.ts`). The frames sent after WELCOME prove the
 * source address to the node. `online` is reported once the directory knows of the session (KNOWN), so that others can
 * find this peer by then. The machine uses socket 0 only.
 */
import type { Identity } from '../../crypto/identity.ts'
import type { Random } from '../../crypto/random.ts'
import type { Address } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import { FRAME, VERSION } from '../../wire/numbers.ts'
import { decodeSeen, decodeTime, encodeTicket, SHORT_BYTES } from '../../wire/session.ts'
import type { Machine } from '../machine.ts'
import type { FrameSink, Session } from '../session/session.ts'
import { Affairs, type AffairsOptions } from './affairs.ts'
import type { OfflineReason, PeerEffect, PeerInput } from './events.ts'
import type { InboxMemory } from './inbox.ts'
import { NodeClock } from './node-clock.ts'
import { Online, type SessionEnd } from './online.ts'
import { Places } from './places.ts'
import { type Answered, Round } from './round.ts'
import { Ticket } from './ticket.ts'

const FIRST_REST_MS = 1000
const LONGEST_REST_MS = 30_000
const NEVER = Number.POSITIVE_INFINITY

export type PeerOptions = AffairsOptions

interface Resting {
  readonly kind: 'resting'
  readonly until: number
  readonly why: OfflineReason
}

export class PeerMachine implements Machine<PeerInput, PeerEffect> {
  readonly #identity: Identity
  readonly #random: Random
  readonly #affairs: Affairs
  readonly #effects: PeerEffect[] = []
  readonly #places = new Places()
  readonly #ticket = new Ticket()
  readonly #clock = new NodeClock()
  #state: Resting | Round | Online = { kind: 'resting', until: NEVER, why: 'starting' }
  #restMs = FIRST_REST_MS
  #now = 0
  /** Datagrams dropped because they belong to nothing here. */
  dropped = 0

  constructor(options: PeerOptions) {
    this.#identity = options.identity
    this.#random = options.random
    const random = options.random.fork('offers')
    this.#affairs = new Affairs({ ...options, random }, (effect) => this.#effects.push(effect))
  }

  /** The messages delivered so far, to be stored for the next run. */
  memory(): InboxMemory[] {
    return this.#affairs.memory()
  }

  receive(arrived: Batch, out: Batch, now: number): void {
    this.#at(now)
    for (let i = 0; i < arrived.count; i++) if (!this.#take(arrived, i, out)) this.dropped++
    this.tick(out, now)
  }

  handle(input: PeerInput, out: Batch, now: number): void {
    this.#at(now)
    this.#act(input, out)
    this.tick(out, now)
  }

  tick(out: Batch, now: number): void {
    this.#at(now)
    if (this.#state.kind === 'online') {
      if (this.#ticket.takeRenewal(now)) this.#effects.push({ kind: 'ticketWanted' })
      const end = this.#state.serve(out, now)
      if (end !== undefined) this.#ended(end)
    }
    if (this.#state.kind === 'resting' && now >= this.#state.until) this.#round()
    if (this.#state.kind === 'round' && !this.#state.tick(out, now)) this.#rest('unreachable')
  }

  deadline(): number {
    const state = this.#state
    const stateAt = state.kind === 'resting' ? state.until : state.deadline()
    const renewAt = state.kind === 'online' ? this.#ticket.renewAt : NEVER
    return Math.min(stateAt, this.#affairs.expiresAt(), renewAt)
  }

  poll(): PeerEffect | undefined {
    return this.#effects.shift()
  }

  #at(now: number): void {
    this.#now = now
    this.#affairs.at(now, this.#clock.at(now))
  }

  /** Starts a round of attempts at every address of every node. */
  #round(): void {
    const [identity, random, clock, ticket] = [this.#identity, this.#random, this.#clock, this.#ticket]
    if (!this.#places.isEmpty && !ticket.isValid(this.#now)) {
      this.#rest('ticket')
      return
    }
    const places = this.#places.drawn(random)
    const looks = !this.#places.areInOneRegion
    if (places.length === 0) this.#rest('unreachable')
    else this.#state = new Round({ identity, random, clock, ticket, places, looks, now: this.#now })
  }

  /** Waits: for what `why` asks for or, after every node failed, for the next round. */
  #rest(why: OfflineReason): void {
    if (why === 'unreachable') this.#effects.push({ kind: 'nodesWanted' })
    if (why === 'ticket') this.#effects.push({ kind: 'ticketWanted' })
    const waits = why === 'unreachable' ? this.#restMs * (0.75 + this.#random.float() / 2) : NEVER
    this.#restMs = Math.min(this.#restMs * 2, LONGEST_REST_MS)
    this.#become({ kind: 'resting', until: this.#now + waits, why })
  }

  /** The session ended. If the reason does not apply to other nodes, signs in at another one immediately. */
  #ended(why: SessionEnd): void {
    if (why === 'lost' || why === 'draining') this.#become({ kind: 'resting', until: this.#now, why })
    else this.#rest(why)
  }

  #become(state: Resting): void {
    const isNews = this.#state.kind !== 'resting' || this.#state.why !== state.why
    this.#state = state
    if (isNews) this.#effects.push({ kind: 'offline', why: state.why })
  }

  #answered(round: Round, answered: Answered): void {
    const isGuess = !this.#clock.isKnown
    const { status, serverTime } = answered.welcome
    this.#clock.told(serverTime, this.#now)
    switch (status) {
      case 'welcome':
        this.#online(answered, isGuess)
        break
      case 'clock':
        round.correct(this.#now)
        break
      case 'draining':
        round.skip(this.#now)
        break
      case 'revoked':
        this.#rest('revoked')
        break
      case 'ended':
        if (this.#ticket.isValid(this.#now)) round.skip(this.#now)
        else this.#rest('ticket')
        break
      case 'invalid':
      case 'otherKey':
        this.#rest('ticket')
    }
  }

  #online(answered: Answered, isGuess: boolean): void {
    const [affairs, random, now] = [this.#affairs, this.#random, this.#now]
    this.#restMs = FIRST_REST_MS
    this.#state = new Online({ answered, affairs, random, isGuess, now })
  }

  #take(arrived: Batch, i: number, out: Batch): boolean {
    const bytes = arrived.at(i)
    const state = this.#state
    if (bytes.length < SHORT_BYTES || bytes[0] !== VERSION || state.kind === 'resting') return false
    if (state.kind === 'online') return state.take(arrived, i, this.#sink, this.#now)
    const taken = state.take(bytes, out, this.#now)
    if (typeof taken === 'boolean') return taken
    this.#answered(state, taken)
    return true
  }

  readonly #sink: FrameSink = {
    frame: (session, type, body) => {
      if (type === FRAME.KNOWN) this.#known()
      else if (type === FRAME.MISSED) this.#effects.push({ kind: 'missed' })
      else if (type === FRAME.TIME) this.#clock.told(decodeTime(body), this.#now)
      else if (type === FRAME.SEEN) this.#seen(decodeSeen(body))
      else this.#affairs.frame(session, type, body)
    },
  }

  #known(): void {
    const news = this.#state.kind === 'online' ? this.#state.takeNews() : undefined
    if (news !== undefined) this.#effects.push(news)
  }

  #seen(observed: Address | undefined): void {
    if (observed !== undefined) this.#effects.push({ kind: 'seen', observed })
  }

  #act(input: PeerInput, out: Batch): void {
    switch (input.kind) {
      case 'nodes':
        this.#places.nodes = input.nodes
        this.#wake('starting', 'unreachable')
        break
      case 'ticket':
        this.#ticket.set(input.ticket, input.expiresAt, this.#now)
        this.#session?.send(FRAME.TICKET, encodeTicket(this.#ticket.bytes!))
        this.#wake('starting', 'ticket', 'replaced', 'revoked')
        break
      case 'interval':
        if (this.#state.kind === 'online') this.#state.keepInterval(input.intervalMs)
        break
      case 'host':
        this.#places.ips = input.ips
        break
      case 'networkChanged':
        this.#onNetworkChanged()
        break
      case 'doubt':
        if (this.#state.kind === 'online') this.#state.prove(this.#now)
        break
      case 'leave':
        this.#session?.goodbye('leaving')
        this.#session?.flush(out, this.#now)
        this.#rest('left')
        break
      default:
        this.#affairs.wish(input, this.#session)
    }
  }

  get #session(): Session | undefined {
    return this.#state.kind === 'online' ? this.#state.session : undefined
  }

  #onNetworkChanged(): void {
    this.#restMs = FIRST_REST_MS
    if (this.#state.kind !== 'online') {
      this.#wake('unreachable')
      return
    }
    const { address, addressAt } = this.#state.session
    if (this.#places.canReach(address, addressAt)) this.#state.prove(this.#now)
    else this.#ended('lost')
  }

  /** Begins a round if the machine rests for one of these reasons. */
  #wake(...reasons: OfflineReason[]): void {
    const isReady = !this.#places.isEmpty && this.#ticket.bytes !== undefined
    if (this.#state.kind === 'resting' && reasons.includes(this.#state.why) && isReady) this.#round()
  }
}
