/**
 * What peers here may do, and whether this node may still believe what it remembers of that.
 *
 * A standing is read when a peer signs in, and again after a push that says that it changed. While the node is told of
 * changes (`back`), what it read since it began to be told holds. After a gap, however short, each standing is read anew before
 * anything comes of the peer: first those of peers that do something, the others at a steady pace behind them. While the node is
 * not told of changes at all (`lost`), a standing holds for TRUST_MS after it was read.
 *
 * The order of events is counted rather than timed, so that two within one millisecond are told apart.
 */
import { MANY, type Standing } from '../../directory.ts'
import { DelayLine } from '../session/delay-line.ts'
import { Queue } from '../session/queue.ts'
import type { Asks, ReplyTo } from './asks.ts'
import type { PeerSession } from './peer-session.ts'
import type { Roster } from './roster.ts'

const TRUST_MS = 5000
/** A sweep reads this many standings, this often: 50,000 within half a minute. */
const SWEEP_MS = 50
const RETRY_MS = 1000
/** What others want of one peer while its standing is not known. */
const MOST_AWAITING = 1000
const never = Number.POSITIVE_INFINITY

type Then = (now: number) => void

/** When a standing was asked for: by the clock, and in the order of events. */
export interface Reading {
  readonly at: number
  readonly moment: number
}

export interface StandingsOptions {
  readonly asks: Asks
  readonly roster: Roster
  /** Undefined: the peer may not be here. */
  readonly onRead: (of: PeerSession, standing: Standing | undefined, now: number) => void
}

export class Standings {
  readonly #options: StandingsOptions
  #moment = 0
  /** Since when all that changed was told; undefined while changes are not told. */
  #toldSince: number | undefined
  #wanted = new Set<PeerSession>()
  readonly #again = new DelayLine<PeerSession>(RETRY_MS)
  readonly #sweep = new Queue<PeerSession>()
  #sweepAt = never

  constructor(options: StandingsOptions) {
    this.#options = options
  }

  /** Changes are not told from now on. */
  lost(): void {
    this.#toldSince = undefined
  }

  /** Changes are told from now on; some may have been missed. */
  back(now: number): void {
    this.#toldSince = ++this.#moment
    while (this.#sweep.take() !== undefined);
    for (const each of this.#options.roster.all()) this.#sweep.put(each)
    this.#sweepAt = this.#sweep.size > 0 ? now : never
  }

  /** To be kept with the standing that a request made now will tell. */
  reading(now: number): Reading {
    return { at: now, moment: this.#moment }
  }

  isTrusted({ reading, neededAt }: PeerSession, now: number): boolean {
    if (reading === undefined || reading.moment < neededAt) return false
    return this.#toldSince === undefined ? now - reading.at < TRUST_MS : reading.moment >= this.#toldSince
  }

  /** Whether pushes about the peer may have been lost: it is told nothing before its standing is read. */
  isBehindGap({ reading }: PeerSession): boolean {
    return reading !== undefined && reading.moment < (this.#toldSince ?? 0)
  }

  /** Calls `then` as soon as the standing can be trusted; never if the session ends before. A sign-in reads it by itself. */
  ensure(of: PeerSession, then: Then, now: number): void {
    if (this.isTrusted(of, now)) {
      then(now)
      return
    }
    of.awaiting ??= []
    of.awaiting.push(then)
    if (of.reading !== undefined) this.#wanted.add(of)
  }

  /** The same for what others want of the peer: what would be too much is dropped, and they ask again. */
  ensureForOthers(of: PeerSession, then: Then, now: number): void {
    if ((of.awaiting?.length ?? 0) < MOST_AWAITING || this.isTrusted(of, now)) this.ensure(of, then, now)
  }

  /** A push says that the standing is another one now. */
  doubt(of: PeerSession): void {
    of.neededAt = ++this.#moment
    this.#wanted.add(of)
  }

  tick(now: number): void {
    for (let of = this.#again.take(now); of !== undefined; of = this.#again.take(now)) this.#wanted.add(of)
    if (now >= this.#sweepAt) this.#step(now)
  }

  /** Asks for what is wanted. */
  flush(now: number): void {
    if (this.#wanted.size === 0) return
    const wanted = [...this.#wanted].filter(({ stage, isAsking }) => stage !== 'ended' && !isAsking)
    this.#wanted = new Set()
    for (let at = 0; at < wanted.length; at += MANY) this.#ask(wanted.slice(at, at + MANY), now)
  }

  deadline(): number {
    return Math.min(this.#again.deadline(), this.#sweepAt)
  }

  #step(now: number): void {
    for (let found = 0; found < MANY && this.#sweep.size > 0; ) {
      const each = this.#sweep.take()!
      if (each.stage === 'ended' || this.isTrusted(each, now)) continue
      this.#wanted.add(each)
      found++
    }
    this.#sweepAt = this.#sweep.size > 0 ? now + SWEEP_MS : never
  }

  #ask(sessions: readonly PeerSession[], now: number): void {
    const reading = this.reading(now)
    for (const each of sessions) each.isAsking = true
    this.#options.asks.ask(
      { kind: 'standings', peers: sessions.map(({ peer, user }) => ({ peer, user })) },
      (reply, at) => {
        for (const [i, each] of sessions.entries()) this.#answered(each, i, reading, reply, at)
      },
      now,
    )
  }

  #answered(of: PeerSession, i: number, reading: Reading, reply: ReplyTo<'standings'>, now: number): void {
    of.isAsking = false
    if (of.stage === 'ended') return
    if (reply.kind === 'failed') {
      this.#again.put(of, now)
      return
    }
    of.reading = reading
    this.#options.onRead(of, reply.standings[i], now)
    if (this.isTrusted(of, now)) this.goOn(of, now)
    else if (of.neededAt > reading.moment || of.awaiting !== undefined) this.#wanted.add(of)
  }

  /** What waited for the standing of a session. */
  goOn(of: PeerSession, now: number): void {
    const { awaiting = [] } = of
    of.awaiting = undefined
    for (const then of awaiting) if ((of.stage as PeerSession['stage']) !== 'ended') then(now)
  }
}
