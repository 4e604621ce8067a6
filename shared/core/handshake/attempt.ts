/**
 * One attempt to make a pair direct: runs the planner's steps one after another until one succeeds.
 *
 *   gathering   until both sides report complete evidence, or the first step does not depend on it; at most EVIDENCE_MS
 *   running     both sides have the order for a step. Each is told to start after a delay that allows for its own round trip
 *               time, so that they start together. The step ends when both have reported, or at its timeout
 *   over        the outcome is known
 *
 * A step that needs a fresh measurement is ordered twice: first the side only measures, and reports the result in its
 * profile. A side needs none if its next port is known, or if the step no longer asks for it. The plan is made again after each step, as profiles grow meanwhile; steps that failed are left out.
 */
import type { WhyNotDirect } from '../../why-not-direct.ts'
import { type Address, formatAddress, isNowhere, NOWHERE, sameAddress } from '../../wire/address.ts'
import type { Outcome, Result, Step, StepKind } from '../../wire/handshake.ts'
import type { Profile } from '../../wire/profile.ts'
import { isPlain, type PlannedSide, type PlannedStep, plan, type Standing } from './planner.ts'

/** STUN answers within two round trips; a side without STUN must not delay the other for longer. */
const EVIDENCE_MS = 1500
/** A lost RESULT is retransmitted after 250 ms, and again after 500. */
const RESULT_MS = 800
/** A profile that keeps changing must not prolong an attempt forever. */
const MAX_STEPS = 12
/** A round trip to STUN, and a retransmission. */
const MEASURE_MS = 400
/** Both orders should have arrived when the first side starts. */
const MARGIN_MS = 5
/**
 * The margin if a NAT reacts badly to early packets. Priming packets leave when the order arrives; by the start they
 * have opened both NATs, even with unequal latencies and on busy machines.
 */
const PRIMING_MS = 60
const AT_ONCE: ReadonlySet<StepKind> = new Set(['lan', 'mapped', 'open', 'punch'])
const never = Number.POSITIVE_INFINITY
/** The result of a side that had nothing to do. */
const NOTHING: Result = {
  step: 0,
  outcome: 'failed',
  reached: NOWHERE,
  elapsedMs: 0,
  packets: 0,
}

/** State of both sides that the planner needs. */
export interface Sides {
  readonly profiles: readonly [Profile, Profile]
  readonly roundTripMs: readonly [number, number]
  readonly standing?: Omit<Standing, 'history'>
}

export type Order =
  /** A side without a step has nothing to do meanwhile. */
  | { readonly kind: 'step'; readonly steps: readonly [Step | undefined, Step | undefined] }
  | { readonly kind: 'outcome'; readonly outcome: Outcome; readonly technique?: StepKind }

type Phase =
  | { readonly kind: 'gathering'; readonly until: number }
  | {
      readonly kind: 'running'
      readonly id: number
      readonly step: PlannedStep
      /** True if the sides only measure for the step. */
      readonly measuring: boolean
      readonly results: (Result | undefined)[]
      readonly until: number
    }
  | { readonly kind: 'over' }

export class Attempt {
  readonly #number: number
  readonly #firstStep: number
  readonly #tried: string[] = []
  #ordered = 0
  #phase: Phase
  #dataBlocked = false
  /** The technique that last worked between these networks; undefined until it is known. */
  history: StepKind | undefined

  /** `number` counts from 0; `firstStep` is greater than the number of every step of an earlier attempt. */
  constructor(number: number, firstStep: number, now: number) {
    this.#number = number
    this.#firstStep = firstStep
    this.#phase = { kind: 'gathering', until: now + EVIDENCE_MS }
  }

  get over(): boolean {
    return this.#phase.kind === 'over'
  }

  /** The number of the next step. */
  get nextStep(): number {
    return (this.#firstStep + this.#ordered) & 0xffff
  }

  deadline(): number {
    return this.#phase.kind === 'over' ? never : this.#phase.until
  }

  /** Records a side's result; ignored unless it is for the running step. */
  report(side: 0 | 1, result: Result): void {
    if (this.#phase.kind === 'running' && result.step === this.#phase.id) this.#phase.results[side] ??= result
  }

  /** The order to send to both sides now, if there is one. */
  advance(sides: Sides, now: number): Order | undefined {
    switch (this.#phase.kind) {
      case 'gathering':
        return this.#isReady(sides) || now >= this.#phase.until ? this.#next(sides, now) : undefined
      case 'running':
        return this.#phase.results.every((it) => it !== undefined) || now >= this.#phase.until
          ? this.#conclude(this.#phase, sides, now)
          : undefined
      case 'over':
        return undefined
    }
  }

  /** True if the attempt can begin. If both sides must start together, their round trip times must be known. */
  #isReady(sides: Sides): boolean {
    if (!isKnown(sides)) return false
    const [first] = this.#plan(sides).steps
    return first === undefined || startsAtOnce(first) || sides.roundTripMs.every((ms) => ms > 0)
  }

  #conclude({ step, measuring, results }: Phase & { kind: 'running' }, sides: Sides, now: number): Order {
    if (results.some((result) => result?.outcome === 'direct')) return this.#direct(step.kind)
    if (measuring) return this.#afterMeasuring(step, sides, now)
    if (results.some((result) => result?.outcome === 'failed' && !isNowhere(result.reached)))
      this.#dataBlocked = true
    return this.#next(sides, now)
  }

  #next(sides: Sides, now: number): Order {
    const { steps, whyNotDirect } = this.#plan(sides)
    const step = steps.find((it) => !this.#tried.includes(signature(it)))
    if (step === undefined || this.#tried.length >= MAX_STEPS)
      return this.#relayed(this.#dataBlocked ? 'data-blocked' : whyNotDirect)
    this.#tried.push(signature(step))
    return step.sides.some(isMeasured) ? this.#measure(step, sides, now) : this.#run(step, sides, now)
  }

  #plan({ profiles: [a, b], standing }: Sides) {
    return plan(a, b, this.#number, { ...standing, history: this.history })
  }

  /** Runs the step again, planned with what was measured. */
  #afterMeasuring(step: PlannedStep, sides: Sides, now: number): Order {
    const again = this.#plan(sides).steps.find((it) => signature(it) === signature(step))
    const known = sides.profiles.every(
      ({ next }, side) => next > 0 || !again || !isMeasured(again.sides[side]!),
    )
    return again !== undefined && known ? this.#run(again, sides, now) : this.#next(sides, now)
  }

  #measure(step: PlannedStep, sides: Sides, now: number): Order {
    const id = this.nextStep
    this.#ordered++
    const steps = step.sides.map((side) => (isMeasured(side) ? measurementOf(id, step, side) : undefined))
    const results = steps.map((it) => (it === undefined ? NOTHING : undefined))
    const until = now + Math.max(...sides.roundTripMs) + MEASURE_MS + RESULT_MS
    this.#phase = { kind: 'running', id, step, measuring: true, results, until }
    return { kind: 'step', steps: [steps[0], steps[1]] }
  }

  #run(step: PlannedStep, sides: Sides, now: number): Order {
    const id = this.nextStep
    this.#ordered++
    const farthest = Math.max(...sides.roundTripMs)
    const startAt = now + (startsAtOnce(step) ? 0 : farthest / 2 + (isPrimed(step) ? PRIMING_MS : MARGIN_MS))
    const lastDelayMs = Math.max(...step.sides.map(({ delayMs }) => delayMs))
    const until = startAt + lastDelayMs + step.timeoutMs + farthest + RESULT_MS
    this.#phase = { kind: 'running', id, step, measuring: false, results: [undefined, undefined], until }
    const wait = (side: 0 | 1) => startAt - now - sides.roundTripMs[side] / 2
    const seen = (side: 0 | 1) => sides.standing?.seen?.[1 - side]
    const order = (side: 0 | 1) => orderOf(id, step, side, wait(side), seen(side))
    return { kind: 'step', steps: [order(0), order(1)] }
  }

  #direct(technique: StepKind): Order {
    this.#phase = { kind: 'over' }
    return { kind: 'outcome', outcome: { path: 'direct', whyNotDirect: 'not-yet' }, technique }
  }

  #relayed(whyNotDirect: WhyNotDirect): Order {
    this.#phase = { kind: 'over' }
    return { kind: 'outcome', outcome: { path: 'relayed', whyNotDirect } }
  }
}

/**
 * True if more evidence would change nothing: it is complete, a direct path is impossible, or the first step is
 * certain.
 */
function isKnown({ profiles: [a, b] }: Sides): boolean {
  return (a.ready && b.ready) || isHopeless(a) || isHopeless(b) || isPlain(a, b)
}

const isHopeless = ({ paths, udpBlocked }: Profile): boolean => paths === 'relay-only' || udpBlocked

const isMeasured = ({ measureSockets = 0 }: PlannedSide): boolean => measureSockets > 0

/**
 * True if a packet must not arrive before the other side's NAT is open. In `open` only the side that sends first
 * matters.
 */
const isPrimed = ({ kind, sides }: PlannedStep): boolean =>
  sides.some(({ ttl = 0, role }) => ttl > 0 && (kind !== 'open' || role === 1))

/** True if no packet can come too early, so each side starts when its order arrives. */
const startsAtOnce = (step: PlannedStep): boolean => AT_ONCE.has(step.kind) && !isPrimed(step)

/** `other`: address at which the other side has proven to be. */
function orderOf(
  id: number,
  step: PlannedStep,
  side: 0 | 1,
  waitMs: number,
  other: Address | undefined,
): Step {
  const { kind, intervalMs, timeoutMs } = step
  const { role, targets, delayMs, ttl = 0, rounds, sockets = 1, paceMs = 0, volley } = step.sides[side]
  const startInMs = Math.max(Math.round(waitMs), 0) + delayMs
  const isProven = ({ words }: Address) => other !== undefined && sameAddress(words, 0, other.words, 0)
  const proven = targets.findIndex(isProven) + 1
  const packets = { ttl, intervalMs, rounds: rounds ?? step.rounds, proven, paceMs, volley }
  return { step: id, kind, role, startInMs, timeoutMs, sockets, targets, ...packets }
}

function measurementOf(id: number, { kind }: PlannedStep, { measureSockets = 0 }: PlannedSide): Step {
  const times = { startInMs: 0, timeoutMs: MEASURE_MS, intervalMs: 0, paceMs: 0 }
  const packets = { ttl: 0, rounds: 1, sockets: measureSockets, targets: [], proven: 0, volley: undefined }
  return { step: id, kind, role: 2, ...times, ...packets }
}

/** Equal for two steps that would do the same. */
function signature({ kind, sides }: PlannedStep): string {
  const targets = sides.map(({ paceMs = 0, targets }) => [
    paceMs,
    ...targets.map(({ words }) => formatAddress(words)),
  ])
  return `${kind} ${targets.join(' ')}`
}
