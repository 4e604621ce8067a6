/**
 * The peer's side of CHECKPOINT. It always tries to be signed in at one node:
 *
 *   resting    waits: for a list of nodes or a ticket, for the next round after every node failed (1 s doubling to 30 s),
 *              or, after it was replaced or revoked, for a new ticket
 *   looking    the nodes are in several regions: finds out which are near (`nearest.ts`)
 *   signingIn  tries one address after another (`sign-in.ts`)
 *   online     has a session; keep-alives show that the node is there (`pace.ts`)
 *
 * Everything that concerns other peers outlives a session (`affairs.ts`). The frames sent after WELCOME prove the
 * source address to the node. `online` is reported once the directory knows of the session (KNOWN), so that others can
 * find this peer by then. The machine uses socket 0 only.
 */

import type { Identity } from '../../crypto/identity.ts'
import type { Random } from '../../crypto/random.ts'
import type { Address } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import { FRAME, KIND, VERSION } from '../../wire/numbers.ts'
import {
  decodeSeen,
  decodeTime,
  encodeTicket,
  encodeU32,
  indexAt,
  SHORT_BYTES,
  writeShort,
} from '../../wire/session.ts'
import { canReach } from '../families.ts'
import type { Machine } from '../machine.ts'
import type { FrameSink, Session } from '../session/session.ts'
import { Affairs, type AffairsOptions } from './affairs.ts'
import type { OfflineReason, PeerEffect, PeerInput, PeerNode } from './events.ts'
import type { InboxMemory } from './inbox.ts'
import { isInOneRegion, Nearest, nearestFirst, type Place } from './nearest.ts'
import { Pace } from './pace.ts'
import { SignInAttempt, type Welcomed } from './sign-in.ts'

const FIRST_REST_MS = 1000
const LONGEST_REST_MS = 30_000
/** The next ticket is requested this long before the present one expires, or at half the life of a short one. */
const RENEW_MS = 300_000
/** The directory answers a sign-in within this time. */
const DOUBT_MS = 10_000
const NEVER = Number.POSITIVE_INFINITY
const encoder = new TextEncoder()

export type PeerOptions = AffairsOptions

interface Ticket {
  readonly bytes: Uint8Array
  readonly expiresAt: number
  /** How long before its expiry the next one is requested. */
  readonly spareMs: number
  renewing: boolean
}

interface Stop extends Place {
  /** Our clock was corrected once for this node; a node that rejects the time again is skipped. */
  readonly corrected?: true
}

interface Resting {
  readonly kind: 'resting'
  readonly until: number
  readonly why: OfflineReason
}

interface Looking {
  readonly kind: 'looking'
  readonly nearest: Nearest
  readonly places: readonly Stop[]
}

interface SigningIn {
  readonly kind: 'signingIn'
  readonly attempt: SignInAttempt
  readonly place: Stop
  readonly left: readonly Stop[]
}

interface Online {
  readonly kind: 'online'
  readonly session: Session
  readonly pace: Pace
  /** Time until which `replaced` may mean only that this sign-in looked old, because our clock was behind the node's. */
  readonly doubtfulUntil: number
  /** Event to emit when others can find this peer. */
  news: Extract<PeerEffect, { kind: 'online' }> | undefined
}

export class PeerMachine implements Machine<PeerInput, PeerEffect> {
  readonly #identity: Identity
  readonly #random: Random
  readonly #affairs: Affairs
  readonly #effects: PeerEffect[] = []
  #state: Resting | Looking | SigningIn | Online = { kind: 'resting', until: NEVER, why: 'starting' }
  #nodes: readonly PeerNode[] = []
  /** Addresses of this host, without a port. */
  #ips: readonly Address[] = []
  #ticket: Ticket | undefined
  #restMs = FIRST_REST_MS
  /** Difference between the node's wall clock and our time; undefined until a node has told its time. */
  #clockOffset: number | undefined
  #lastSignInAt = 0
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
    this.#renewTicket()
    if (this.#state.kind === 'online') this.#serve(this.#state, out)
    if (this.#state.kind === 'resting' && now >= this.#state.until) this.#round()
    if (this.#state.kind === 'looking' && !this.#state.nearest.tick(out, now)) this.#next(this.#state.places)
    while (this.#state.kind === 'signingIn' && !this.#state.attempt.tick(out, now))
      this.#next(this.#state.left)
  }

  deadline(): number {
    return Math.min(this.#stateDeadline(), this.#affairs.expiresAt(), this.#renewalAt())
  }

  poll(): PeerEffect | undefined {
    return this.#effects.shift()
  }

  #at(now: number): void {
    this.#now = now
    this.#affairs.at(now, this.#nodeNow())
  }

  /**
   * Starts a round of attempts at every address of every node: nearest first, otherwise in random order. Addresses of
   * an IP family that this host lacks come last.
   */
  #round(): void {
    if (this.#nodes.length === 0) this.#rest('unreachable')
    else if (this.#ticket === undefined || this.#hasEnded(this.#ticket)) this.#wantTicket()
    else if (isInOneRegion(this.#nodes)) this.#next(this.#places())
    else this.#look(this.#places())
  }

  #look(places: readonly Stop[]): void {
    this.#state = { kind: 'looking', nearest: new Nearest(places, this.#random, this.#now), places }
  }

  #hasEnded({ expiresAt }: Ticket): boolean {
    return expiresAt <= this.#now
  }

  #places(): Stop[] {
    const drawn = this.#nodes.map((node) => ({ node, lot: this.#random.u32() })).sort((a, b) => a.lot - b.lot)
    const places = drawn.flatMap(({ node }) => node.addresses.map((address) => ({ node, address })))
    const isInReach = ({ address }: Stop) => canReach(this.#ips, address.words)
    return [...places.filter(isInReach), ...places.filter((place) => !isInReach(place))]
  }

  #next([place, ...left]: readonly Stop[]): void {
    if (place === undefined) {
      this.#rest('unreachable')
      return
    }
    this.#lastSignInAt = Math.max(this.#lastSignInAt + 1, this.#nodeNow())
    const attempt = new SignInAttempt({
      ...place,
      identity: this.#identity,
      index: this.#random.u32(),
      ticket: this.#ticket!.bytes,
      sentAt: this.#lastSignInAt,
      ephemeralSeed: this.#random.bytes(32),
    })
    this.#state = { kind: 'signingIn', attempt, place, left }
  }

  #rest(why: OfflineReason): void {
    if (why === 'unreachable') this.#effects.push({ kind: 'nodesWanted' })
    const waits = why === 'unreachable' ? this.#restMs * (0.75 + this.#random.float() / 2) : NEVER
    this.#restMs = Math.min(this.#restMs * 2, LONGEST_REST_MS)
    this.#become({ kind: 'resting', until: this.#now + waits, why })
  }

  #wantTicket(): void {
    this.#effects.push({ kind: 'ticketWanted' })
    this.#rest('ticket')
  }

  /** The session ended for a reason that does not apply to other nodes: signs in at another one immediately. */
  #lost(why: OfflineReason): void {
    this.#become({ kind: 'resting', until: this.#now, why })
  }

  #become(state: Resting): void {
    const isNews =
      this.#state.kind === 'online' || (this.#state.kind === 'resting' ? this.#state.why !== state.why : true)
    this.#state = state
    if (isNews) this.#effects.push({ kind: 'offline', why: state.why })
  }

  #welcomed({ welcome, session }: Welcomed, { place, left }: SigningIn): void {
    const isGuess = this.#clockOffset === undefined
    this.#clockOffset = welcome.serverTime - this.#now
    switch (welcome.status) {
      case 'welcome':
        this.#online({ welcome, session }, place.node, isGuess ? this.#now + DOUBT_MS : 0)
        break
      case 'clock':
        this.#lastSignInAt = 0
        this.#next(place.corrected ? left : [{ ...place, corrected: true }, ...left])
        break
      case 'draining':
        this.#next(left)
        break
      case 'revoked':
        this.#rest('revoked')
        break
      case 'ended':
        if (this.#hasEnded(this.#ticket!)) this.#wantTicket()
        else this.#next(left)
        break
      case 'invalid':
      case 'otherKey':
        this.#wantTicket()
    }
  }

  #online({ welcome, session }: Welcomed, { node }: PeerNode, doubtfulUntil: number): void {
    const pace = new Pace(welcome.keepAliveMs, this.#now)
    this.#restMs = FIRST_REST_MS
    this.#affairs.restart()
    session.send(FRAME.PACE, encodeU32(pace.intervalMs))
    const news = { kind: 'online', node, observed: welcome.observed, since: welcome.since } as const
    this.#state = { kind: 'online', session, pace, doubtfulUntil, news }
  }

  #serve({ session, pace, doubtfulUntil }: Online, out: Batch): void {
    if (session.state === 'open') this.#affairs.fill(session)
    session.flush(out, this.#now)
    if (session.doubtful) pace.hurry(this.#now)
    const due = pace.due(this.#now)
    if (due === 'send') keepAlive(session, out)
    if (due === 'dead' || session.state === 'dead') this.#lost('lost')
    else if (session.state === 'left') this.#leftByNode(session, this.#now < doubtfulUntil)
  }

  #leftByNode({ reason }: Session, isDoubtful: boolean): void {
    if (reason === 'replaced' && isDoubtful) this.#lost('lost')
    else if (reason === 'replaced' || reason === 'revoked') this.#rest(reason)
    else if (reason === 'ticketEnded') this.#wantTicket()
    else this.#lost('draining')
  }

  #take(arrived: Batch, i: number, out: Batch): boolean {
    const bytes = arrived.at(i)
    if (bytes.length < SHORT_BYTES || bytes[0] !== VERSION) return false
    if (this.#state.kind === 'looking') return this.#takeNearest(bytes, this.#state)
    if (this.#state.kind === 'signingIn') return this.#takeAnswer(bytes, this.#state, out)
    if (this.#state.kind !== 'online') return false
    return this.#takeOnline(arrived, i, this.#state)
  }

  #takeNearest(bytes: Uint8Array, { nearest, places }: Looking): boolean {
    const answered = nearest.take(bytes)
    if (answered !== undefined) this.#next(nearestFirst(places, answered))
    return answered !== undefined
  }

  #takeAnswer(bytes: Uint8Array, state: SigningIn, out: Batch): boolean {
    if (bytes[1] === KIND.COOKIE) return state.attempt.takeCookie(bytes, out)
    const welcomed = bytes[1] === KIND.WELCOME ? state.attempt.takeWelcome(bytes, this.#now) : undefined
    if (welcomed !== undefined) this.#welcomed(welcomed, state)
    return welcomed !== undefined
  }

  #takeOnline(arrived: Batch, i: number, { session, pace }: Online): boolean {
    const at = arrived.start(i)
    const index = indexAt(arrived.bytes, at)
    const kind = arrived.bytes[at + 1]
    if (kind === KIND.GONE && index === session.remoteIndex) {
      if (pace.doubt(this.#now, session.roundTripMs)) session.ping(this.#random.u32())
      return true
    }
    if (index !== session.index) return false
    const isHeard =
      kind === KIND.KEEP_ALIVE_ACK ||
      (kind === KIND.SEALED && session.receive(arrived, i, this.#now, this.#sink))
    if (isHeard) pace.heard(this.#now)
    return isHeard
  }

  readonly #sink: FrameSink = {
    frame: (session, type, body) => {
      if (type === FRAME.KNOWN) this.#known()
      else if (type === FRAME.MISSED) this.#effects.push({ kind: 'missed' })
      else if (type === FRAME.TIME) this.#corrected(decodeTime(body))
      else if (type === FRAME.SEEN) this.#seen(decodeSeen(body))
      else this.#affairs.frame(session, type, body)
    },
  }

  #known(): void {
    if (this.#state.kind !== 'online' || this.#state.news === undefined) return
    this.#effects.push(this.#state.news)
    this.#state.news = undefined
  }

  #seen(observed: Address | undefined): void {
    if (observed !== undefined) this.#effects.push({ kind: 'seen', observed })
  }

  /** Corrects our estimate: the node's clock was wrong when it told the time. */
  #corrected(serverTime: number | undefined): void {
    if (serverTime !== undefined) this.#clockOffset = serverTime - this.#now
  }

  /**
   * A sealed frame moves the session to our present address; a keep-alive soon shows whether the session still exists.
   */
  #prove(session: Session, pace: Pace): void {
    session.ping(this.#random.u32())
    pace.hurry(this.#now)
  }

  #act(input: PeerInput, out: Batch): void {
    switch (input.kind) {
      case 'nodes':
        this.#nodes = input.nodes
        this.#wake('starting', 'unreachable')
        break
      case 'ticket':
        this.#onTicket(input.ticket, input.expiresAt)
        break
      case 'interval':
        this.#onInterval(input.intervalMs)
        break
      case 'host':
        this.#ips = input.ips
        break
      case 'networkChanged':
        this.#onNetworkChanged()
        break
      case 'leave':
        this.#leave(out)
        break
      default:
        this.#affairs.wish(input, this.#session)
    }
  }

  get #session(): Session | undefined {
    return this.#state.kind === 'online' ? this.#state.session : undefined
  }

  #onTicket(ticket: string, expiresAt: number): void {
    const halfMs = Math.max(0, expiresAt - this.#now) / 2
    const spareMs = Math.min(RENEW_MS, halfMs)
    this.#ticket = { bytes: encoder.encode(ticket), expiresAt, spareMs, renewing: false }
    this.#session?.send(FRAME.TICKET, encodeTicket(this.#ticket.bytes))
    this.#wake('starting', 'ticket', 'replaced', 'revoked')
  }

  #onInterval(intervalMs: number): void {
    if (this.#state.kind !== 'online') return
    this.#state.pace.intervalMs = intervalMs
    this.#state.session.send(FRAME.PACE, encodeU32(this.#state.pace.intervalMs))
  }

  #onNetworkChanged(): void {
    this.#restMs = FIRST_REST_MS
    if (this.#state.kind !== 'online') {
      this.#wake('unreachable')
      return
    }
    const { session, pace } = this.#state
    if (canReach(this.#ips, session.address, session.addressAt)) this.#prove(session, pace)
    else this.#lost('lost')
  }

  #leave(out: Batch): void {
    this.#session?.goodbye('leaving')
    this.#session?.flush(out, this.#now)
    this.#rest('left')
  }

  /** Begins a round if the machine rests for one of these reasons. */
  #wake(...reasons: OfflineReason[]): void {
    const isReady = this.#nodes.length > 0 && this.#ticket !== undefined
    if (this.#state.kind === 'resting' && reasons.includes(this.#state.why) && isReady) this.#round()
  }

  #nodeNow(): number {
    return this.#now + (this.#clockOffset ?? 0)
  }

  #renewalAt(): number {
    if (this.#ticket === undefined || this.#ticket.renewing || this.#state.kind !== 'online') return NEVER
    return this.#ticket.expiresAt - this.#ticket.spareMs
  }

  #renewTicket(): void {
    if (this.#renewalAt() > this.#now) return
    this.#ticket!.renewing = true
    this.#effects.push({ kind: 'ticketWanted' })
  }

  #stateDeadline(): number {
    switch (this.#state.kind) {
      case 'resting':
        return this.#state.until
      case 'looking':
        return this.#state.nearest.deadline()
      case 'signingIn':
        return this.#state.attempt.deadline()
      case 'online': {
        const { session, pace } = this.#state
        const fillAt = session.room > 0 ? this.#affairs.fillAt() : NEVER
        return Math.min(session.deadline(), pace.deadline(), fillAt)
      }
    }
  }
}

function keepAlive(session: Session, out: Batch): void {
  const i = out.claim(session.address, session.addressAt, session.socket)
  writeShort(out.bytes, out.start(i), KIND.KEEP_ALIVE, session.remoteIndex)
  out.length[i] = SHORT_BYTES
}
