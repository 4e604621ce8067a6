/**
 * Carries out the steps that a HANDSHAKE orders (shared/wire/README.md, section 5): so many rounds of probes to so many
 * addresses, the first round with few hops. A step ends with exactly one RESULT: as soon as a direct path is fit and has
 * proven it since the order came, or when its time is over. A new step ends the one before without a result: the HANDSHAKE has moved on.
 *
 * The HANDSHAKE tells what the other peer says of itself, so a step is bounded whatever it says: MAX_TARGETS, MAX_ROUNDS,
 * MAX_PACKETS, no probe below MIN_INTERVAL_MS.
 */
import type { Address } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import type { Result, Step, StepKind, StepOutcome } from '../../wire/handshake.ts'
import type { PathAgent } from './path-agent.ts'

const MAX_ROUNDS = 30
const MAX_PACKETS = 256
const MIN_INTERVAL_MS = 20
const NOWHERE: Address = { words: new Uint32Array(5) }
const never = Number.POSITIVE_INFINITY

interface Running {
  readonly step: Step
  readonly orderedAt: number
  readonly startAt: number
  readonly endAt: number
  readonly intervalMs: number
  readonly rounds: number
  round: number
  packets: number
}

export class StepRunner {
  /** Of the last step that was ordered. */
  technique: StepKind | undefined
  /** Probes sent in all steps. */
  packets = 0
  readonly #agent: PathAgent
  readonly #socket: number
  #running: Running | undefined
  #results: Result[] = []

  constructor(agent: PathAgent, socket: number) {
    this.#agent = agent
    this.#socket = socket
  }

  start(step: Step, now: number): void {
    const startAt = now + step.startInMs
    const running: Running = {
      step,
      orderedAt: now,
      startAt,
      endAt: startAt + step.timeoutMs,
      intervalMs: Math.max(step.intervalMs, MIN_INTERVAL_MS),
      rounds: Math.min(step.rounds, MAX_ROUNDS),
      round: 0,
      packets: 0,
    }
    this.#running = running
    this.technique = step.kind
    if (step.sockets > 1) this.#end(running, 'impossible', NOWHERE, now)
    else for (const { words } of step.targets) this.#agent.renew(words, this.#socket, now)
  }

  stop(): void {
    this.#running = undefined
    this.#results = []
  }

  tick(out: Batch, now: number): void {
    const running = this.#running
    if (running === undefined) return
    const { direct } = this.#agent
    const proven = direct?.state === 'fit' && direct.provenAt >= running.orderedAt
    if (proven) this.#end(running, 'direct', direct, now)
    else if (now >= running.endAt) this.#end(running, 'failed', direct ?? NOWHERE, now)
    else while (now >= roundAt(running)) this.#sendRound(running, out, now)
  }

  deadline(): number {
    const running = this.#running
    return running === undefined ? never : Math.min(roundAt(running), running.endAt)
  }

  /** Of a step that ended; each once. */
  result(): Result | undefined {
    return this.#results.shift()
  }

  #sendRound(running: Running, out: Batch, now: number): void {
    const { step } = running
    const ttl = running.round === 0 || onlyPrimes(step) ? step.ttl : 0
    for (const { words } of step.targets) {
      if (running.packets >= MAX_PACKETS) break
      if (!this.#agent.probeTarget(words, this.#socket, ttl, out, now)) continue
      running.packets++
      this.packets++
    }
    running.round++
  }

  #end(running: Running, outcome: StepOutcome, reached: Address, now: number): void {
    const { step, startAt, packets } = running
    const elapsedMs = Math.max(now - startAt, 0)
    this.#results.push({ step: step.step, outcome, reached: { words: reached.words }, elapsedMs, packets })
    this.#running = undefined
  }
}

/** In `open` the open side only keeps its filter open: the other one sends. */
const onlyPrimes = ({ kind, role }: Step): boolean => kind === 'open' && role === 0

function roundAt({ startAt, round, rounds, intervalMs }: Running): number {
  return round < rounds ? startAt + round * intervalMs : never
}
