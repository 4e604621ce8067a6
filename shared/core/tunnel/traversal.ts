/**
 * Finds and replaces the paths of a tunnel. `Course` knows which attempt goes on. This class begins another one whenever
 * there is a reason for it, and lets the parts that an attempt needs do what is due.
 *
 * With `relay-only` there is no candidate and no step. With `direct-only` there is no relay, and the tunnel ends if the
 * attempt fails.
 */
import type { Random } from '../../crypto/random.ts'
import type { Paths } from '../../paths.ts'
import type { WhyNotDirect } from '../../why-not-direct.ts'
import type { Address } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import type { Direction } from '../../wire/offers.ts'
import type { Candidate } from '../../wire/profile.ts'
import { isStun } from '../../wire/stun.ts'
import { type Agreed, Course } from './course.ts'
import { Departure } from './departure.ts'
import { isSameNode, NO_DIRECTION } from './directed.ts'
import type { TunnelInput, TunnelOptions } from './events.ts'
import type { Lifetime } from './lifetime.ts'
import { Orders } from './orders.ts'
import type { Outbox } from './outbox.ts'
import type { PathParts } from './path-parts.ts'
import { Reason } from './reason.ts'
import { RelayUpkeep } from './relay-upkeep.ts'
import { Rendezvous } from './rendezvous.ts'
import { isUrgent, situationOf } from './situation.ts'
import { OWN_SOCKET, Sockets } from './sockets.ts'
import { Summons } from './summons.ts'

export class Traversal {
  readonly sockets: Sockets
  readonly #paths: Paths
  readonly #parts: PathParts
  readonly #reason: Reason
  readonly #rendezvous: Rendezvous
  readonly #orders: Orders
  readonly #upkeep: RelayUpkeep
  readonly #departure: Departure
  readonly #summons: Summons
  readonly #course: Course

  constructor(options: TunnelOptions, parts: PathParts, lifetime: Lifetime, outbox: Outbox, random: Random) {
    const { terms, now, keys, direction, expected } = options
    const { paths } = terms
    const { choice } = parts
    const sockets = new Sockets(() => parts.book.usedSockets, outbox)
    const reason = new Reason(paths, choice)
    const rendezvous = new Rendezvous(options, random, sockets, outbox)
    const orders = new Orders({ paths, parts, rendezvous, sockets })
    const upkeep = new RelayUpkeep(parts.relays, choice, outbox)
    const summons = new Summons(choice, outbox)
    this.sockets = sockets
    this.#paths = paths
    this.#parts = parts
    this.#reason = reason
    this.#rendezvous = rendezvous
    this.#orders = orders
    this.#upkeep = upkeep
    this.#departure = new Departure(parts, sockets, random.fork('departure'), now)
    this.#summons = summons
    const needs = { paths, choice, rendezvous, orders, upkeep, sockets, summons, reason, lifetime }
    this.#course = new Course(needs)
    if (keys !== undefined) this.agree({ keys, direction: direction ?? NO_DIRECTION, expected }, now)
    else if (direction !== undefined) this.approach(direction, now)
  }

  /** The offer rings: begins before the other side has decided. */
  approach(direction: Direction, now: number): void {
    this.#course.approach(direction, now)
  }

  /** The other side accepts the tunnel. */
  agree(agreed: Agreed, now: number): void {
    this.#course.agree(agreed, now)
  }

  /** Why the tunnel is not direct. */
  get whyNotDirect(): WhyNotDirect {
    return this.#reason.why
  }

  /** Handles a datagram of the HANDSHAKE or of STUN. False if it is for another part: it may be a tunnel packet. */
  take(arrived: Batch, i: number, now: number): boolean {
    const isOurs = isStun(arrived.bytes, arrived.start(i)) && this.#departure.take(arrived.at(i), now)
    return isOurs || this.#rendezvous.take(arrived, i, now)
  }

  /**
   * Starts another attempt with a new direction. The other side may have asked for it because it receives nothing from
   * this side.
   */
  rejoin(direction: Direction, out: Batch, now: number): void {
    const [phase, directed] = [this.#course.phase, { direction, at: now }]
    if (phase.kind === 'approach') return
    const wasAwaited = phase.kind === 'attempt' && phase.awaitsDirection
    const isSame = isSameNode(direction, phase.directed.direction)
    if (phase.kind === 'attempt' && isSame && phase.isFresh(now) && !wasAwaited) {
      phase.directed = directed
      return
    }
    if (!wasAwaited) this.#course.renew()
    this.#parts.prover.doubt(out, now)
    this.#course.begin(directed, now)
  }

  /** The other side is reachable through a CHECKPOINT again: tries immediately instead of waiting. */
  seek(now: number): void {
    const phase = this.#course.phase
    if (phase.kind === 'approach') return
    if (phase.kind === 'attempt' && this.#rendezvous.state === 'joined') return
    this.#summons.hurry()
    this.#course.begin(phase.directed, now)
    this.#summons.ask(now)
  }

  /** Sets the candidates. A port that a router mapped after the attempt ended is worth another attempt. */
  setCandidates(candidates: readonly Candidate[], now: number): void {
    const [isMore, phase] = [this.#rendezvous.setCandidates(candidates), this.#course.phase]
    if (phase.kind === 'approach' || !isMore) return
    this.#course.renew()
    if (phase.kind === 'attempt' || this.#parts.choice.active?.kind === 'direct') return
    this.#course.begin(phase.directed, now)
    this.#summons.ask(now)
  }

  /**
   * This side is elsewhere: it has other addresses, or its network drops UDP from now on, or no longer. The relay sees
   * it at another address then.
   */
  elsewhere(change: Extract<TunnelInput, { kind: 'networkChanged' | 'udp' }>, out: Batch, now: number): void {
    const [phase, { prover, relays }] = [this.#course.phase, this.#parts]
    if (change.kind === 'networkChanged') this.#rendezvous.moved(change.candidates)
    else if (!this.#rendezvous.setUdp(change.blocked)) return
    if (phase.kind === 'approach') {
      this.#course.approachAgain(phase, now)
      return
    }
    this.#departure.forget(now)
    this.#course.renew()
    prover.doubt(out, now)
    relays.rebind(out, now)
    this.#course.begin(phase.directed, now)
    this.#summons.ask(now)
  }

  /**
   * The other side announces, in a packet of `bytes` bytes, that it will send from `address` soon. The relay is kept,
   * as it may be needed for the move.
   */
  onMove(address: Address, bytes: number, out: Batch, now: number): void {
    this.#upkeep.postpone()
    this.#departure.follow(address, bytes, out, now)
  }

  tick(out: Batch, now: number): void {
    this.#course.hear(out, now)
    this.#rendezvous.gather(this.#parts.choice.active?.kind === 'direct', out, now)
    if (this.#course.phase.kind !== 'approach') this.#pursue(out, now)
    this.#rendezvous.tell(out, now)
    this.#course.hear(out, now)
  }

  deadline(): number {
    const [phase, { choice, relays }] = [this.#course.phase, this.#parts]
    if (phase.kind === 'approach') return this.#rendezvous.deadline()
    return Math.min(
      this.#rendezvous.deadline(),
      this.#upkeep.deadline(),
      this.#orders.deadline(),
      this.#departure.deadline(),
      phase.deadline(situationOf(choice, relays, this.#paths)),
    )
  }

  leave(out: Batch, now: number): void {
    this.#parts.relays.release(out, now)
    this.#rendezvous.leave(out, now)
    this.#orders.stop()
    this.sockets.closeUnused()
  }

  #pursue(out: Batch, now: number): void {
    const { phase } = this.#course
    const expected = phase.kind === 'attempt' ? phase.takeExpected() : undefined
    if (expected !== undefined && !this.#rendezvous.udpBlocked)
      this.#parts.targets.greet(expected.words, OWN_SOCKET, out, now)
    this.#upkeep.ready(out, now)
    this.#course.judge(now)
    this.#orders.tick(out, now)
    this.#departure.held = this.#course.phase.kind === 'attempt'
    this.#departure.tick(this.#rendezvous.stunServer, out, now)
    this.#upkeep.release(out, now)
    this.#tryAgain(now)
  }

  #tryAgain(now: number): void {
    const [phase, { choice, relays }] = [this.#course.phase, this.#parts]
    if (phase.kind === 'approach') return
    if (choice.takeDeath()) {
      if (phase.kind === 'settled') phase.pathDied()
      if (!this.#rendezvous.udpBlocked) this.#reason.found('path-died')
    }
    const situation = situationOf(choice, relays, this.#paths)
    if (now < phase.nextAt(situation)) return
    this.#course.begin(phase.directed, now)
    if (isUrgent(situation)) this.#summons.ask(now)
  }
}
