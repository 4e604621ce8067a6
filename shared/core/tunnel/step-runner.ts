/**
 * Carries out the steps that a HANDSHAKE orders (shared/wire/README.md, section 5). A step is a number of rounds of
 * probes; the first round may have a small TTL and is sent immediately. Probes go to the addresses that the step names,
 * or to a volley of ports, from one socket or from many.
 *
 * A step ends with exactly one RESULT: when a direct path is fit and was proven after the order came, at the timeout, or
 * at its start if it cannot run. A new step replaces the one before without a result, as the HANDSHAKE no longer waits
 * for it.
 *
 * The addresses come from the other peer, so a step is bounded whatever it says:
 * - at most MAX_TARGETS targets, MAX_ROUNDS rounds and MAX_PACKETS packets, rounds at least MIN_INTERVAL_MS apart;
 * - a budget for addresses at which the HANDSHAKE has not seen the other side (`target-budget.ts`);
 * - probes of `predict` and `scatter` go to one IP, at least MIN_PACE_MS apart, at most MAX_VOLLEY of them;
 * - `scatter` runs only while a relay carries the tunnel and no other tunnel of this host scatters.
 */
import { ADDRESS_WORDS, type Address, NOWHERE } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import type { Result, Step, StepOutcome } from '../../wire/handshake.ts'
import { portOf } from '../../wire/volley.ts'
import type { Choice } from './choice.ts'
import type { PathBook } from './path-book.ts'
import type { PathParts } from './path-parts.ts'
import { OWN_SOCKET, type Sockets } from './sockets.ts'
import { isUnicast, TargetBudget } from './target-budget.ts'
import type { Targets } from './targets.ts'

const MAX_ROUNDS = 30
const MAX_PACKETS = 256
const MIN_INTERVAL_MS = 20
/** At most 500 packets a second. */
const MIN_PACE_MS = 2
/** All draws of a scatter and its few repeats. */
const MAX_VOLLEY = 2560
const never = Number.POSITIVE_INFINITY

interface Running {
  readonly step: Step
  readonly orderedAt: number
  readonly startAt: number
  readonly endAt: number
  readonly intervalMs: number
  readonly paceMs: number
  readonly rounds: number
  readonly maxPackets: number
  round: number
  /** Probes sent in this round. */
  shot: number
  packets: number
}

export class StepRunner {
  readonly #book: PathBook
  readonly #choice: Choice
  readonly #targets: Targets
  readonly #sockets: Sockets
  readonly #words = new Uint32Array(ADDRESS_WORDS)
  readonly #budget = new TargetBudget()
  #running: Running | undefined

  constructor({ book, choice, targets }: Pick<PathParts, 'book' | 'choice' | 'targets'>, sockets: Sockets) {
    this.#book = book
    this.#choice = choice
    this.#targets = targets
    this.#sockets = sockets
  }

  start(step: Step, now: number): void {
    const startAt = now + step.startInMs
    const strewn = isStrewn(step)
    this.#running = {
      step,
      orderedAt: now,
      startAt,
      endAt: startAt + step.timeoutMs,
      intervalMs: Math.max(step.intervalMs, MIN_INTERVAL_MS),
      paceMs: strewn ? Math.max(step.paceMs, MIN_PACE_MS) : 0,
      rounds: Math.min(step.rounds, MAX_ROUNDS),
      maxPackets: strewn ? MAX_VOLLEY : MAX_PACKETS,
      ...{ round: 0, shot: 0, packets: 0 },
    }
    this.#targets.begin(step.kind)
    if (step.kind === 'scatter') this.#sockets.open(freshOf(step), true)
    else if (freshOf(step) > 0) this.#sockets.open(freshOf(step))
    if (!strewn)
      for (const { words } of step.targets.filter(isUnicast)) this.#targets.renew(words, OWN_SOCKET, now)
  }

  stop(): void {
    this.#running = undefined
  }

  /** Sends what is due. The result of a step that ends now. */
  tick(out: Batch, now: number): Result | undefined {
    const running = this.#running
    if (running === undefined) return undefined
    const { direct } = this.#book
    const proven = direct?.state === 'fit' && direct.provenAt >= running.orderedAt
    if (proven) return this.#end(running, 'direct', direct, now)
    if (now >= running.endAt) return this.#end(running, 'failed', direct ?? NOWHERE, now)
    if (now >= running.startAt && !this.#mayRun(running))
      return this.#end(running, 'impossible', NOWHERE, now)
    while (now >= dueAt(running)) this.#shoot(running, out, now)
    return undefined
  }

  deadline(): number {
    const running = this.#running
    return running === undefined ? never : Math.min(dueAt(running), running.endAt)
  }

  /**
   * True if the sockets of the step are open. `scatter` also needs leave to scatter, and a relay that carries the
   * tunnel.
   */
  #mayRun({ step, packets }: Running): boolean {
    if (packets > 0) return true
    if (freshOf(step) > 0 && this.#socketsOf(step).length === 0) return false
    return step.kind !== 'scatter' || (this.#sockets.alone && this.#choice.active?.kind === 'relayed')
  }

  #shoot(running: Running, out: Batch, now: number): void {
    const { step, round, shot } = running
    const ttl = round === 0 || onlyPrimes(step) ? step.ttl : 0
    const sockets = this.#socketsOf(step)
    const socket = sockets[shot % sockets.length]!
    const at = Math.floor(shot / sockets.length)
    if (running.packets < running.maxPackets && this.#probe(running, at, socket, ttl, out, now))
      running.packets++
    running.shot++
    if (running.shot < sockets.length * destinationsOf(step)) return
    running.round++
    running.shot = 0
  }

  /** Sends a probe to destination number `at` of the step. */
  #probe(running: Running, at: number, socket: number, ttl: number, out: Batch, now: number): boolean {
    const { step } = running
    const target = step.targets[step.volley === undefined ? at : 0]
    if (target === undefined || !isUnicast(target)) return false
    if (!isStrewn(step)) {
      const isVouchedFor = step.proven === at + 1
      if (!isVouchedFor && !this.#budget.take(target, now)) return false
      if (ttl === 0 && step.startInMs === 0 && this.#targets.isUnderWay(target.words, socket, now))
        return false
      if (ttl === 0 && isInFull(running, at)) this.#targets.probeInFull(target.words, socket, out, now)
      return this.#targets.probe(target.words, socket, ttl, out, now)
    }
    this.#words.set(target.words)
    if (step.volley !== undefined) this.#words[4] = portOf(step.volley, at)
    return this.#targets.strew(this.#words, socket, ttl, out, now)
  }

  #socketsOf(step: Step): readonly number[] {
    const fresh = freshOf(step)
    return fresh === 0 ? [OWN_SOCKET] : this.#sockets.fresh.slice(0, fresh)
  }

  #end(running: Running, outcome: StepOutcome, reached: Address, now: number): Result {
    const { step, startAt, packets } = running
    const elapsedMs = Math.max(now - startAt, 0)
    this.#running = undefined
    if (freshOf(step) > 0 || step.kind === 'scatter') this.#sockets.closeUnused()
    return { step: step.step, outcome, reached: { words: reached.words }, elapsedMs, packets }
  }
}

/**
 * True for the side that only primes: in `open` it keeps its filter open, in `scatter` the hard side keeps its many
 * ports open. The other side sends.
 */
const onlyPrimes = ({ kind, role }: Step): boolean =>
  (kind === 'open' && role === 0) || (kind === 'scatter' && role === 1)

/** At an address that the other side has proven, the first probe that goes all the way is full-sized. */
const isInFull = ({ step: { proven, ttl }, round }: Running, at: number): boolean =>
  proven === at + 1 && round === (ttl > 0 ? 1 : 0)

/** Nearly all ports of such a step belong to nobody. The path is made by what comes back, not by what is sent. */
const isStrewn = ({ kind }: Pick<Step, 'kind'>): boolean => kind === 'predict' || kind === 'scatter'

const freshOf = ({ sockets }: Step): number => (sockets > 1 ? sockets : 0)

const destinationsOf = (step: Step): number =>
  isStrewn(step) ? (step.volley?.draws ?? 1) : step.targets.length

/** Priming packets do not reach the other side, so they need not wait for the common start. */
function dueAt({ step, orderedAt, startAt, round, rounds, intervalMs, shot, paceMs }: Running): number {
  if (round >= rounds) return never
  if (isStrewn(step) || step.ttl === 0) return startAt + round * intervalMs + shot * paceMs
  return round === 0 ? orderedAt : startAt + (round - 1) * intervalMs
}
