/**
 * Signing in (wire README, section 2): from a SIGN_IN to a half-open session.
 *
 * Nothing here believes the source address. An answer is shorter than the question; what is kept is one place in a ring
 * of fixed size, which the next sign-ins take over; and only a SEALED datagram on the session, which nobody but the peer
 * can make, turns it into the peer's session. So a replayed SIGN_IN changes nothing, even where it is not recognised.
 *
 * The session's `since` is the peer's own `sentAt`: of two sessions of a peer, at whatever nodes, the one it asked for
 * last is its session, however the clocks of nodes differ.
 */
import { Channel } from '../../crypto/channel.ts'
import { type Request, respond, type StaticKeys } from '../../crypto/noise.ts'
import type { Random } from '../../crypto/random.ts'
import type { Ticket } from '../../crypto/ticket.ts'
import { ADDRESS_WORDS } from '../../wire/address.ts'
import {
  decodeSignIn,
  decodeSignInPayload,
  encodeWelcome,
  encodeWelcomeDatagram,
  SIGN_IN_PROLOGUE,
  type Welcome,
  type WelcomeStatus,
} from '../../wire/sign-in.ts'
import type { CheckpointCounters } from './counters.ts'
import type { Credentials } from './credentials.ts'
import { Gate } from './gate.ts'
import type { Knock } from './knock.ts'
import type { PeerSession } from './peer-session.ts'
import type { SessionTable } from './session-table.ts'

/** Half-open sessions. At 10,000 sign-ins a second a peer still has 400 ms to prove its address. */
const HALF_OPEN = 4096
const SEED_BYTES = 32

export interface AdmissionOptions {
  readonly self: StaticKeys
  readonly random: Random
  readonly credentials: Credentials
  readonly table: SessionTable
  readonly counters: CheckpointCounters
  readonly keepAliveMs: number
}

interface Guest {
  readonly ticket: Ticket
  readonly since: number
  /** The peer's index. */
  readonly index: number
}

export class Admission {
  /** Whether peers are to go elsewhere. */
  full = false
  readonly #options: AdmissionOptions
  readonly #gate: Gate
  readonly #halfOpen = new Array<PeerSession | undefined>(HALF_OPEN)
  #cursor = 0

  constructor(options: AdmissionOptions) {
    this.#options = options
    this.#gate = new Gate(options.random.fork('cookies'), options.counters)
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
    else if (!credentials.isNewest(ticket.peer, payload.sentAt)) counters.replays++
    else this.#welcome({ ticket, index, since: payload.sentAt }, request, knock)
  }

  #refuse(index: number, status: WelcomeStatus, request: Request, knock: Knock): void {
    this.#options.counters.refusedSignIns++
    this.#answer(index, request, { status, since: 0 }, knock, () => 0)
  }

  #welcome(guest: Guest, request: Request, knock: Knock): void {
    this.#options.counters.signIns++
    this.#answer(guest.index, request, { status: 'welcome', since: guest.since }, knock, (channel) =>
      this.#open(guest, channel, knock),
    )
  }

  /** Message 2 gives the keys, and the keys the session whose index goes with it; 0: none. */
  #answer(
    index: number,
    request: Request,
    said: Pick<Welcome, 'status' | 'since'>,
    { arrived, i, out, now }: Knock,
    open: (channel: Channel) => number,
  ): void {
    const { random, keepAliveMs } = this.#options
    const welcome = { ...said, serverTime: now, keepAliveMs, observed: arrived.addressOf(i) }
    const { message, keys } = request.answer(encodeWelcome(welcome), random.bytes(SEED_BYTES))
    const nodeIndex = open(new Channel(keys))
    const datagram = encodeWelcomeDatagram({ index, nodeIndex, noise: message })
    out.push(datagram, arrived.address, i * ADDRESS_WORDS, arrived.socket[i]!)
  }

  #open({ ticket, since, index }: Guest, channel: Channel, { arrived, i, now }: Knock): number {
    const { table, keepAliveMs } = this.#options
    const { peer, user, networks, blocks, expiresAt: ticketEndsAt } = ticket
    const known = { peer, user, networks, blocks, ticketEndsAt, since, intervalMs: keepAliveMs }
    this.#makeRoom()
    const opened = table.open({ ...known, channel, remoteIndex: index, arrived, i }, now)
    this.#halfOpen[this.#cursor] = opened
    return opened?.session.index ?? 0
  }

  /** The oldest half-open session makes way. */
  #makeRoom(): void {
    this.#cursor = (this.#cursor + 1) % HALF_OPEN
    const oldest = this.#halfOpen[this.#cursor]
    if (oldest?.stage === 'halfOpen') this.#options.table.release(oldest)
    this.#halfOpen[this.#cursor] = undefined
  }
}
