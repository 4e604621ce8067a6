import type { Paths } from '../../paths.ts'
import type { Batch } from '../../wire/batch.ts'
import type { Step } from '../../wire/handshake.ts'
import type { Attempt } from './attempt.ts'
import type { Order } from './handshake-client.ts'
import type { PathParts } from './path-parts.ts'
import type { Rendezvous } from './rendezvous.ts'
import type { Sockets } from './sockets.ts'
import { StepRunner } from './step-runner.ts'

const ROLE_MEASURE = 2

export interface OrdersOptions {
  readonly paths: Paths
  readonly parts: PathParts
  readonly rendezvous: Rendezvous
  readonly sockets: Sockets
}

/** Carries out what a HANDSHAKE orders, as far as the terms of the tunnel allow it, and reports what came of it. */
export class Orders {
  readonly #paths: Paths
  readonly #parts: PathParts
  readonly #rendezvous: Rendezvous
  readonly #runner: StepRunner

  constructor({ paths, parts, rendezvous, sockets }: OrdersOptions) {
    this.#paths = paths
    this.#parts = parts
    this.#rendezvous = rendezvous
    this.#runner = new StepRunner(parts, sockets)
  }

  /** Binds the relay that the HANDSHAKE names. */
  bind({ relayed }: Extract<Order, { kind: 'relayed' }>, out: Batch, now: number): void {
    if (this.#paths !== 'direct-only') this.#parts.relays.add(relayed, out, now)
  }

  /** Starts a step of the attempt. */
  start(step: Step, attempt: Attempt, out: Batch, now: number): void {
    if (this.#paths === 'relay-only') return
    if (step.role === ROLE_MEASURE) {
      this.#runner.stop()
      this.#rendezvous.measure(step, now)
      return
    }
    this.#parts.prover.confirm(out, now)
    this.#runner.start(step, now)
    attempt.ordered(step)
  }

  stop(): void {
    this.#runner.stop()
  }

  tick(out: Batch, now: number): void {
    const result = this.#runner.tick(out, now)
    if (result !== undefined) this.#rendezvous.report(result)
  }

  deadline(): number {
    return this.#runner.deadline()
  }
}
