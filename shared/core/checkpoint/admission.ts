/**
 * Sign-in (wire README, section 2): from a SIGN_IN to a half-open session.
 *
 * Nothing here trusts the source address:
 *
 *   - an answer is shorter than the request;
 *   - a half-open session takes one place in a ring of fixed size, where later sign-ins overwrite it;
 *   - only a SEALED datagram, which nobody but the peer can make, turns it into the peer's session.
 *
 * A replayed SIGN_IN therefore changes nothing, even if it is not recognised as a replay.
 *
 * The session's `since` is the peer's own `sentAt`. Of two sessions of a peer, at any nodes, the one it asked for last wins,
 * however much the clocks of the nodes differ. A time in the future counts as now.
 */
import type { ChannelKeys } from '../../crypto/channel.ts'
import { type Answered, type Request, respond, type StaticKeys } from '../../crypto/noise.ts'
import type { Random } from '../../crypto/random.ts'
import type { Ticket } from '../../crypto/ticket.ts'
import type { PeerId } from '../../ids.ts'
import { ADDRESS_WORDS, sameAddress } from '../../wire/address.ts'
import {
  decodeSignIn,
  decodeSignInPayload,
  encodeWelcome,
  encodeWelcomeDatagram,
  SIGN_IN_PROLOGUE,
  type Welcome,
  type WelcomeStatus,
} from '../../wire/sign-in.ts'
import type { Wall } from '../wall.ts'
import type { CheckpointCounters } from './counters.ts'
import type { Credentials } from './credentials.ts'
import { Gate } from './gate.ts'
import type { Knock } from './knock.ts'
import type { PeerSession } from './peer-session.ts'
import type { SessionTable } from './session-table.ts'

interface HalfOpen {
  readonly session: PeerSession
  /** `sentAt` of the SIGN_IN. */
  readonly sentAt: number
  /** The WELCOME datagram, to be sent again if the peer did not receive it. */
  readonly welcome: Uint8Array
}

/** Maximum number of half-open sessions. At 10,000 sign-ins a second, a peer still has 400 ms to prove its address. */
const HALF_OPEN = 4096
const SEED_BYTES = 32
/** Maximum lead of `since` over this node's clock, so that a peer whose fast clock is corrected can sign in again. */
const AHEAD_MS = 2000

export interface AdmissionOptions {
  readonly self: StaticKeys
  readonly random: Random
  readonly credentials: Credentials
  readonly wall: Wall
  readonly table: SessionTable
  readonly counters: CheckpointCounters
  readonly keepAliveMs: number
  readonly cookiesAbove: number
}

interface Guest {
  readonly ticket: Ticket
  readonly sentAt: number
  readonly since: number
  /** The peer's index. */
  readonly index: number
}

export class Admission {
  /** True if sign-ins are refused, so that peers go to another node. */
  full = false
  readonly #options: AdmissionOptions
  readonly #gate: Gate
  readonly #halfOpen = new Array<HalfOpen | undefined>(HALF_OPEN)
  #cursor = 0
  /** The latest half-open session of each peer. */
  readonly #latest = new Map<PeerId, HalfOpen>()

  constructor(options: AdmissionOptions) {
    this.#options = options
    const { random, counters, cookiesAbove } = options
    this.#gate = new Gate(random.fork('cookies'), counters, cookiesAbove)
  }

  receive(knock: Knock): void {
    const signIn = decodeSignIn(knock.arrived.at(knock.i))
    if (signIn === undefined || !this.#gate.lets(signIn, knock)) return
    const request = respond({ prologue: SIGN_IN_PROLOGUE, self: this.#options.self }, signIn.noise)
    if (request === undefined) this.#options.counters.malformed++
    else this.#decide(signIn.index, request, knock)
  }

  #decide(index: number, request: Request, knock: Knock): void {
    const { counters, credentials } = this.#options
    const payload = decodeSignInPayload(request.payload)
    if (payload === undefined) {
      counters.malformed++
      return
    }
    const ticket = this.full ? 'draining' : credentials.check(payload, request.remotePublic, knock.now)
    if (typeof ticket === 'string') this.#refuse(index, ticket, request, knock)
    else {
      const { sentAt } = payload
      const since = Math.min(sentAt, this.#options.wall.at(knock.now) + AHEAD_MS)
      this.#rank({ ticket, index, sentAt, since }, request, knock)
    }
  }

  /**
   * Welcomes a sign-in that is newer than the peer's last proven one. An older one is a replay, or comes from a peer whose clock
   * is behind; it is refused with `clock`, which tells the peer the time.
   */
  #rank(guest: Guest, request: Request, knock: Knock): void {
    const { counters, credentials } = this.#options
    const rank = credentials.rank(guest.ticket.peer, guest.since, knock.now)
    const known = this.#latest.get(guest.ticket.peer)
    if (known?.session.stage === 'halfOpen' && known.sentAt === guest.sentAt) this.#again(known, knock)
    else if (rank === 'new') this.#welcome(guest, request, knock)
    else {
      counters.replays++
      if (rank === 'old') this.#refuse(guest.index, 'clock', request, knock)
    }
  }

  #refuse(index: number, status: WelcomeStatus, request: Request, knock: Knock): void {
    this.#options.counters.refusedSignIns++
    const { message } = this.#answer(request, { status, since: 0 }, knock)
    answer(knock, encodeWelcomeDatagram({ index, nodeIndex: 0, noise: message }))
  }

  #welcome(guest: Guest, request: Request, knock: Knock): void {
    const { message, keys } = this.#answer(request, { status: 'welcome', since: guest.since }, knock)
    const session = this.#open(guest, keys, knock)
    if (session === undefined) return
    const nodeIndex = session.session.index
    const welcome = encodeWelcomeDatagram({ index: guest.index, nodeIndex, noise: message })
    this.#options.counters.signIns++
    this.#keep({ session, sentAt: guest.sentAt, welcome })
    answer(knock, welcome)
  }

  /** Answers a repeated sign-in from the session's address with the same WELCOME, which may have been lost. */
  #again({ session, welcome }: HalfOpen, knock: Knock): void {
    if (isFrom(session, knock)) answer(knock, welcome)
    else this.#options.counters.replays++
  }

  #answer(request: Request, said: Pick<Welcome, 'status' | 'since'>, { arrived, i, now }: Knock): Answered {
    const { random, keepAliveMs, wall } = this.#options
    const welcome = { ...said, serverTime: wall.at(now), keepAliveMs, observed: arrived.addressOf(i) }
    return request.answer(encodeWelcome(welcome), random.bytes(SEED_BYTES))
  }

  #open(
    { ticket, since, index }: Guest,
    keys: ChannelKeys,
    { arrived, i, now }: Knock,
  ): PeerSession | undefined {
    const { table, credentials, keepAliveMs } = this.#options
    const { peer, user } = ticket
    const ticketEndsAt = credentials.endOf(ticket, now)
    const known = { peer, user, ticketEndsAt, since, intervalMs: keepAliveMs }
    return table.open({ ...known, keys, remoteIndex: index, arrived, i }, now)
  }

  /** Adds a half-open session to the ring in place of the oldest. */
  #keep(halfOpen: HalfOpen): void {
    this.#cursor = (this.#cursor + 1) % HALF_OPEN
    const oldest = this.#halfOpen[this.#cursor]
    if (oldest?.session.stage === 'halfOpen') this.#options.table.release(oldest.session)
    if (oldest !== undefined && this.#latest.get(oldest.session.peer) === oldest)
      this.#latest.delete(oldest.session.peer)
    this.#halfOpen[this.#cursor] = halfOpen
    this.#latest.set(halfOpen.session.peer, halfOpen)
  }
}

function answer({ arrived, i, out }: Knock, datagram: Uint8Array): void {
  out.push(datagram, arrived.address, i * ADDRESS_WORDS, arrived.socket[i]!)
}

function isFrom({ session }: PeerSession, { arrived, i }: Knock): boolean {
  return sameAddress(session.address, session.addressAt, arrived.address, i * ADDRESS_WORDS)
}
