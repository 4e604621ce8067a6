/**
 * The course of the search for a path, in phases whose state ends with them:
 *
 *   Approach   the other side has not decided. This side may already join the HANDSHAKE and gather evidence; orders are
 *              kept
 *   Attempt    the HANDSHAKE is asked, its relay is bound and its steps are carried out, until OUTCOME
 *   Settled    until another attempt begins (`situation.ts`)
 */
import type { ChannelKeys } from '../../crypto/channel.ts'
import type { Paths } from '../../paths.ts'
import type { WhyNotDirect } from '../../why-not-direct.ts'
import { type Address, isNowhere } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import type { Direction } from '../../wire/offers.ts'
import { Queue } from '../session/queue.ts'
import { Approach } from './approach.ts'
import { Attempt } from './attempt.ts'
import type { Choice } from './choice.ts'
import { type Directed, isStale, NO_DIRECTION } from './directed.ts'
import type { Order } from './handshake-client.ts'
import type { Lifetime } from './lifetime.ts'
import type { Orders } from './orders.ts'
import { NOT_SHARED, Patience, sharedBy } from './patience.ts'
import type { Reason } from './reason.ts'
import type { RelayUpkeep } from './relay-upkeep.ts'
import type { Rendezvous } from './rendezvous.ts'
import { Settled } from './settled.ts'
import type { Sockets } from './sockets.ts'
import type { Summons } from './summons.ts'

export interface Agreed {
  readonly keys: ChannelKeys
  readonly direction: Direction
  readonly expected?: Address | undefined
}

export interface CourseOptions {
  readonly paths: Paths
  readonly choice: Choice
  readonly rendezvous: Rendezvous
  readonly orders: Orders
  readonly upkeep: RelayUpkeep
  readonly sockets: Sockets
  readonly summons: Summons
  readonly reason: Reason
  readonly lifetime: Lifetime
}

export class Course {
  readonly #with: CourseOptions
  #patience = new Patience(NOT_SHARED)
  #phase: Approach | Attempt | Settled = new Approach()
  /** Orders that came before the other side accepted; they may end one attempt and begin another. */
  readonly #kept = new Queue<Order>()

  constructor(options: CourseOptions) {
    this.#with = options
  }

  get phase(): Approach | Attempt | Settled {
    return this.#phase
  }

  /** Joins before the other side has decided. */
  approach(direction: Direction, now: number): void {
    if (this.#phase.kind !== 'approach') return
    this.#phase.directed = { direction, at: now }
    this.#join(direction, false, now)
  }

  /** Joins again, as this side is elsewhere; without a direction it only gathers evidence. */
  approachAgain({ directed }: Approach, now: number): void {
    this.#join(directed?.direction ?? NO_DIRECTION, false, now)
  }

  /**
   * The other side accepts the tunnel. A young approach at the same node goes on; otherwise a new attempt begins with
   * `direction`, which is newer than the first.
   */
  agree({ keys, direction, expected }: Agreed, now: number): void {
    const approach = this.#phase
    if (approach.kind !== 'approach') return
    this.#patience = new Patience(sharedBy(keys))
    const { directed } = approach
    const greeted = expected === undefined || isNowhere(expected) ? undefined : expected
    const goesOn = approach.leadsTo(direction, now) && this.#with.rendezvous.state !== 'idle'
    if (goesOn) {
      this.#phase = new Attempt({ directed: directed!, beganAt: now, expected: greeted })
      return
    }
    this.#kept.clear()
    this.begin({ direction, at: now }, now, greeted)
  }

  /** Something has changed: attempts follow each other at the first pace again. */
  renew(): void {
    this.#patience.renew()
  }

  /** Begins an attempt. If the direction is too old, asks for a new one and waits. */
  begin(directed: Directed, now: number, expected?: Address): void {
    const { rendezvous, orders, upkeep, sockets, summons } = this.#with
    const awaitsDirection = isStale(directed, now)
    this.#phase = new Attempt({ directed, beganAt: now, expected, awaitsDirection })
    upkeep.postpone()
    orders.stop()
    sockets.closeUnused()
    if (awaitsDirection) summons.ask(now)
    else this.#join(directed.direction, expected !== undefined && !rendezvous.udpBlocked, now)
  }

  /**
   * Hears the HANDSHAKE, and obeys it as soon as the other side has accepted. Until then, that somebody is missing is no
   * news.
   */
  hear(out: Batch, now: number): void {
    for (;;) {
      const phase = this.#phase
      const kept = phase.kind === 'approach' ? undefined : this.#kept.take()
      const order = kept ?? this.#with.rendezvous.hear()
      if (order === undefined) return
      if (phase.kind !== 'approach') this.#obey(phase, order, out, now)
      else if (order.kind !== 'alone' && order.kind !== 'unreachable') this.#kept.put(order)
    }
  }

  /** Ends the attempt if the other side has a direct path and this side has none in time. */
  judge(now: number): void {
    const phase = this.#phase
    if (phase.kind === 'attempt' && phase.isOver(now)) this.#end(phase, 'probe-timeout', true, now)
  }

  #join(direction: Direction, greets: boolean, now: number): void {
    const { rendezvous, reason } = this.#with
    if (rendezvous.udpBlocked) reason.found('udp-blocked')
    rendezvous.join(direction, greets, now)
  }

  /** A step or an outcome carries an attempt on, also one that ended because its HANDSHAKE did not answer. */
  #obey(phase: Attempt | Settled, order: Order, out: Batch, now: number): void {
    const { orders, choice, summons, lifetime } = this.#with
    const attempt = phase.kind === 'attempt' ? phase : phase.resumed()
    if (order.kind === 'step' || order.kind === 'outcome') this.#phase = attempt
    switch (order.kind) {
      case 'relayed':
        orders.bind(order, out, now)
        break
      case 'step':
        orders.start(order.step, attempt, out, now)
        break
      case 'outcome':
        if (order.outcome.path === 'direct') attempt.otherSucceeded(choice.active?.kind === 'direct', now)
        else this.#end(attempt, order.outcome.whyNotDirect, false, now)
        break
      case 'unreachable':
        this.#end(phase, 'handshake-unreachable', undefined, now)
        break
      case 'alone':
        summons.ask(now)
        break
      case 'closed':
        lifetime.otherClosed(choice.active !== undefined, now)
    }
  }

  /**
   * Ends an attempt. `why` is reported as long as there is no direct path. `found`: the HANDSHAKE reports a direct path;
   * undefined if it could not be reached.
   */
  #end(phase: Attempt | Settled, why: WhyNotDirect, found: boolean | undefined, now: number): void {
    const { paths, choice, rendezvous, sockets, reason, lifetime } = this.#with
    const { directed, beganAt } = phase
    if (!rendezvous.sampling) sockets.closeUnused()
    this.#patience.at(rendezvous.network)
    if (found === true) this.#patience.renew()
    if (found === false) this.#patience.failed(phase.kind === 'attempt' && phase.byChance)
    const againAt = paths === 'relay-only' ? Number.POSITIVE_INFINITY : now + this.#patience.waitMs
    this.#phase = new Settled({ directed, beganAt, againAt })
    reason.found(why)
    if (paths === 'direct-only' && choice.active === undefined) lifetime.end('noDirectPath')
  }
}
