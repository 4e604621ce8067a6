/**
 * The standings of peers here: what each may do, and whether this node may still trust what it has read.
 *
 * A standing is read when a peer signs in, and again after a push that says that it changed.
 *
 *   back   changes are pushed to this node. Standings read since then are trusted. All others are read again before the node acts
 *          on frames of the peer, however short the gap was: first those of active peers, the rest at a steady pace
 *   lost   changes are not pushed. A standing is trusted for TRUST_MS after it was read
 *
 * The order of events is counted rather than timed, because two events may fall within one millisecond.
 */
import { MANY, type Standing } from '../../directory.ts'
import { DelayLine } from '../session/delay-line.ts'
import { Queue } from '../session/queue.ts'
import type { Asks, ReplyTo } from './asks.ts'
import type { PeerSession } from './peer-session.ts'
import type { Roster } from './roster.ts'

const TRUST_MS = 5000
/** Interval at which a sweep reads MANY standings: 50,000 within half a minute. */
const SWEEP_MS = 50
const RETRY_MS = 1000
/** Maximum number of requests of others that wait for the standing of one peer. */
const MOST_AWAITING = 1000
const never = Number.POSITIVE_INFINITY

type Then = (now: number) => void

/** The time at which a standing was requested: by the clock, and in the order of events. */
export interface Reading {
  readonly at: number
  readonly moment: number
}

export interface StandingsOptions {
  readonly asks: Asks
  readonly roster: Roster
  /** Called with each standing that was read; undefined if the peer may not be signed in. */
  readonly onRead: (of: PeerSession, standing: Standing | undefined, now: number) => void
}

export class Standings {
  readonly #options: StandingsOptions
  #moment = 0
  /** The last reading: those of one moment share it. */
  #reading: Reading = { at: 0, moment: 0 }
  /** The moment since which all changes have been pushed; undefined while changes are not pushed. */
  #toldSince: number | undefined
  #wanted = new Set<PeerSession>()
  readonly #again = new DelayLine<PeerSession>(RETRY_MS)
  readonly #sweep = new Queue<PeerSession>()
  #sweepAt = never

  constructor(options: StandingsOptions) {
    this.#options = options
  }

  /** Call when changes are no longer pushed. */
  lost(): void {
    this.#toldSince = undefined
  }

  /** Call when changes are pushed again. Some may have been missed. */
  back(now: number): void {
    this.#toldSince = ++this.#moment
    while (this.#sweep.take() !== undefined);
    for (const each of this.#options.roster.all()) this.#sweep.put(each)
    this.#sweepAt = this.#sweep.size > 0 ? now : never
  }

  /** Returns the mark to store with the standing that a request made now will return. */
  reading(now: number): Reading {
    const isSame = now === this.#reading.at && this.#moment === this.#reading.moment
    if (!isSame) this.#reading = { at: now, moment: this.#moment }
    return this.#reading
  }

  isTrusted({ reading, neededAt }: PeerSession, now: number): boolean {
    if (reading === undefined || reading.moment < neededAt) return false
    return this.#toldSince === undefined ? now - reading.at < TRUST_MS : reading.moment >= this.#toldSince
  }

  /** True if pushes about the peer may have been lost. It is then told no news until its standing has been read. */
  isBehindGap({ reading }: PeerSession): boolean {
    return reading !== undefined && reading.moment < (this.#toldSince ?? 0)
  }

  /** Calls `then` as soon as the standing is trusted; never if the session ends first. A sign-in reads the standing by itself. */
  ensure(of: PeerSession, then: Then, now: number): void {
    if (this.isTrusted(of, now)) {
      then(now)
      return
    }
    of.awaiting ??= []
    of.awaiting.push(then)
    if (of.reading !== undefined) this.#wanted.add(of)
  }

  /** Like `ensure`, for requests of others. Above MOST_AWAITING the request is dropped; its sender retransmits. */
  ensureForOthers(of: PeerSession, then: Then, now: number): void {
    if ((of.awaiting?.length ?? 0) < MOST_AWAITING || this.isTrusted(of, now)) this.ensure(of, then, now)
  }

  /** Call when a push says that the standing has changed. */
  doubt(of: PeerSession): void {
    of.neededAt = ++this.#moment
    this.#wanted.add(of)
  }

  tick(now: number): void {
    for (let of = this.#again.take(now); of !== undefined; of = this.#again.take(now)) this.#wanted.add(of)
    if (now >= this.#sweepAt) this.#step(now)
  }

  /** Requests the standings that are needed. */
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

  /** Runs the callbacks that wait for the standing of a session. */
  goOn(of: PeerSession, now: number): void {
    const { awaiting = [] } = of
    of.awaiting = undefined
    for (const then of awaiting) if ((of.stage as PeerSession['stage']) !== 'ended') then(now)
  }
}
