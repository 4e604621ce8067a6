/**
 * Finds out how a symmetric NAT assigns ports, and which port it assigns next. It uses fresh sockets, as a socket in
 * use keeps its mapping.
 *
 *   sampling    at the beginning of an attempt: SAMPLED_SOCKETS sockets ask all endpoints of the STUN pair. The result is
 *               the class of allocation with its step or range
 *   measuring   right before the result is used: some fresh sockets send one packet each. The result is the port after
 *               that of the last one. The sockets stay open, as the step uses them. If ports come from a block there is
 *               no next one: all fresh sockets ask all endpoints, and the result are the ends of the block, and
 *               whether one port serves several destinations
 */
import type { Random } from '../../crypto/random.ts'
import type { Address } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import { classifyPorts, type PortClass, widened } from './classify.ts'
import { PortSampler } from './port-sampler.ts'
import type { Sockets } from './sockets.ts'

/**
 * With four endpoints this gives 32 samples: the ends of a range are known to a tenth, and foreign traffic does not
 * hide a step.
 */
const SAMPLED_SOCKETS = 8
/** Number of the measuring sockets that send; the others stay unused for the step. */
const MEASURING_SOCKETS = 4
/** Some routers accept only few new flows a second. */
const SAMPLE_PACE_MS = 5
const MEASURE_PACE_MS = 1
/** Sockets open within this time, or not at all. */
const OPENING_MS = 200
const PORTS = 0x10000
const never = Number.POSITIVE_INFINITY

interface Task {
  readonly kind: 'sampling' | 'measuring'
  readonly servers: readonly Address[]
  readonly startBy: number
  started: boolean
}

export class Allocation {
  readonly #sockets: Sockets
  readonly #sampler: PortSampler
  #task: Task | undefined
  #found: PortClass | undefined
  #next = 0

  constructor(random: Random, sockets: Sockets) {
    this.#sockets = sockets
    this.#sampler = new PortSampler(random)
  }

  get busy(): boolean {
    return this.#task !== undefined
  }

  /** Undefined if nothing was sampled yet, or too few answers came. */
  get found(): PortClass | undefined {
    return this.#found
  }

  /** The port that the NAT assigns next; 0 if unknown. */
  get next(): number {
    return this.#next
  }

  forget(): void {
    this.#task = undefined
    this.#found = undefined
    this.#next = 0
    this.#sampler.stop()
  }

  sample(servers: readonly Address[], now: number): void {
    this.#begin('sampling', servers, SAMPLED_SOCKETS, now)
  }

  measure(servers: readonly Address[], sockets: number, now: number): void {
    this.#next = 0
    this.#begin('measuring', this.#isBlock ? servers : servers.slice(0, 1), sockets, now)
  }

  take(bytes: Uint8Array): boolean {
    return this.#task !== undefined && this.#sampler.take(bytes)
  }

  tick(out: Batch, now: number): void {
    const task = this.#task
    if (task === undefined) return
    if (!task.started && this.#sockets.answered) this.#start(task, now)
    if (!task.started && now < task.startBy) return
    this.#sampler.tick(out, now)
    if (!task.started || this.#sampler.isDone(now)) this.#finish(task)
  }

  deadline(): number {
    if (this.#task === undefined) return never
    return this.#task.started ? this.#sampler.deadline() : this.#task.startBy
  }

  #begin(kind: Task['kind'], servers: readonly Address[], sockets: number, now: number): void {
    this.#sampler.stop()
    this.#task = { kind, servers, startBy: now + OPENING_MS, started: false }
    this.#sockets.open(sockets)
  }

  #start(task: Task, now: number): void {
    task.started = true
    const { fresh } = this.#sockets
    if (task.kind === 'sampling' || this.#isBlock)
      this.#sampler.start(fresh, task.servers, SAMPLE_PACE_MS, now)
    else if (this.#found?.allocation !== 'preserving')
      this.#sampler.start(fresh.slice(-MEASURING_SOCKETS), task.servers, MEASURE_PACE_MS, now)
  }

  #finish(task: Task): void {
    this.#task = undefined
    if (task.kind === 'measuring') this.#measured()
    else {
      this.#found = classifyPorts(this.#sampler.samples, (socket) => this.#sockets.portOf(socket))
      this.#sockets.closeUnused()
    }
    this.#sampler.stop()
  }

  #measured(): void {
    if (this.#found?.allocation === 'block') this.#found = widened(this.#found, this.#sampler.samples)
    else this.#next = this.#foresee()
  }

  get #isBlock(): boolean {
    return this.#found?.allocation === 'block'
  }

  #foresee(): number {
    if (this.#found?.allocation === 'preserving') return this.#sockets.portOf(this.#sockets.fresh[0] ?? 0)
    const { samples } = this.#sampler
    const last = samples.findLastIndex(({ port }) => port > 0)
    if (last < 0) return 0
    return (samples[last]!.port + (samples.length - last) * (this.#found?.step ?? 1)) % PORTS
  }
}
