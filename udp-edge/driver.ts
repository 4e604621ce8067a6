/**
 * Joins a machine to sockets, a clock and whatever carries out its effects: the one place where a protocol meets the
 * world.
 *
 * Datagrams of all sockets are collected in one batch and handed over when the event loop has read what was waiting,
 * or when MAX_BATCH are there. Whatever the machine appended to its batch is sent before anything else happens, then
 * its effects are carried out, then one timer is armed for its deadline. An effect's outcome comes back as an input.
 *
 * A driver ends only when it is closed. What the network does wrong is counted by the sockets. A machine that throws
 * has a bug: it is logged and counted, its unsent datagrams are thrown away, and the loop goes on.
 */
import type { Machine } from '../shared/core/machine.ts'
import type { Address } from '../shared/wire/address.ts'
import { Batch } from '../shared/wire/batch.ts'
import { steadyClock } from './clock.ts'
import { bindDgram } from './dgram-socket.ts'
import type { Bind, DatagramSocket, Endpoint, SocketCounters } from './socket.ts'

/** One machine call a batch: enough to spread its cost, few enough to answer early. libuv reads 32 a wake-up. */
const MAX_BATCH = 64
/** Node takes a longer timeout for 1 ms. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1
/** A machine that throws when its time has come would throw again at once: the timer waits. */
const REST_AFTER_FAULT_MS = 1000

export interface DriveOptions<Input, Effect> {
  /** In the order in which the machine counts them. */
  readonly sockets: readonly Endpoint[]
  /** Carries out an effect; what it resolves to is handed to the machine. */
  readonly perform?: (effect: Effect) => Promise<Input | undefined> | undefined
  readonly bind?: Bind
  readonly clock?: () => number
  readonly log?: (what: string, error: unknown) => void
}

export interface Driver<Input> {
  /** What each socket is bound to, in order; a socket of both families has two. */
  readonly addresses: readonly (readonly Address[])[]
  handle(input: Input): void
  counters(): DriverCounters
  /** Nothing is received, sent or performed any more; the machine is not called again. */
  close(): Promise<void>
}

export interface DriverCounters extends SocketCounters {
  /** Exceptions of the machine or of an effect: bugs. */
  readonly faults: number
}

/** Rejects with `unavailable` where a socket cannot be bound; then none stays open. */
export async function drive<Input, Effect>(
  machine: Machine<Input, Effect>,
  options: DriveOptions<Input, Effect>,
): Promise<Driver<Input>> {
  const loop = new Loop(machine, options)
  await loop.open(options.sockets, options.bind ?? bindDgram)
  return loop
}

class Loop<Input, Effect> implements Driver<Input> {
  readonly #machine: Machine<Input, Effect>
  readonly #perform: DriveOptions<Input, Effect>['perform']
  readonly #clock: () => number
  readonly #log: (what: string, error: unknown) => void
  readonly #arrived = new Batch(MAX_BATCH)
  #out = new Batch(MAX_BATCH)
  #sockets: readonly DatagramSocket[] = []
  readonly #inputs: Input[] = []
  #flush: NodeJS.Immediate | undefined
  #timer: NodeJS.Timeout | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #restUntil = 0
  #running = false
  #closed = false
  #faults = 0

  constructor(machine: Machine<Input, Effect>, options: DriveOptions<Input, Effect>) {
    this.#machine = machine
    this.#perform = options.perform
    this.#clock = options.clock ?? steadyClock()
    this.#log = options.log ?? ((what, error) => console.error(what, error))
  }

  async open(endpoints: readonly Endpoint[], bind: Bind): Promise<void> {
    const arrived = () => this.#onArrived()
    const opening = endpoints.map((at, socket) => bind(at, { batch: this.#arrived, socket, arrived }))
    const outcomes = await Promise.allSettled(opening)
    this.#sockets = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const refused = outcomes.find((outcome) => outcome.status === 'rejected')
    if (refused !== undefined) {
      await this.close()
      throw refused.reason
    }
    this.#step(() => this.#machine.tick(this.#out, this.#clock()))
  }

  get addresses(): readonly (readonly Address[])[] {
    return this.#sockets.map((socket) => socket.addresses)
  }

  counters(): DriverCounters {
    const sum = { received: 0, sent: 0, dropped: 0, errors: 0, faults: this.#faults }
    for (const { counters } of this.#sockets) {
      sum.received += counters.received
      sum.sent += counters.sent
      sum.dropped += counters.dropped
      sum.errors += counters.errors
    }
    return sum
  }

  /** An input that comes while the machine is at work (from `perform`) waits its turn. */
  handle(input: Input): void {
    this.#inputs.push(input)
    if (!this.#running) this.#step(() => {})
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearImmediate(this.#flush)
    clearTimeout(this.#timer)
    await Promise.all(this.#sockets.map((socket) => socket.close()))
  }

  #onArrived(): void {
    if (this.#arrived.count >= MAX_BATCH) this.#receive()
    else this.#flush ??= setImmediate(() => this.#receive())
  }

  /** Before the sockets are all open nothing could be answered: what arrives by then is lost. */
  #receive(): void {
    clearImmediate(this.#flush)
    this.#flush = undefined
    if (this.#sockets.length > 0) {
      this.#step(() => this.#machine.receive(this.#arrived, this.#out, this.#clock()))
    }
    this.#arrived.clear()
  }

  #step(call: () => void): void {
    if (this.#closed) return
    this.#running = true
    this.#attempt(call)
    for (let input = this.#inputs.shift(); input !== undefined; input = this.#inputs.shift()) {
      const next = input
      this.#attempt(() => this.#machine.handle(next, this.#out, this.#clock()))
    }
    this.#running = false
    this.#arm()
  }

  #attempt(call: () => void): void {
    try {
      call()
      if (!this.#closed) this.#send()
      if (!this.#closed) this.#effects()
    } catch (error) {
      this.#out.clear()
      this.#restUntil = this.#clock() + REST_AFTER_FAULT_MS
      this.#fault('a machine threw', error)
    }
  }

  /** One call of a socket for each run of datagrams that leave by it. */
  #send(): void {
    const out = this.#out
    let held = false
    for (let from = 0; from < out.count; ) {
      const socket = out.socket[from]!
      let to = from + 1
      while (to < out.count && out.socket[to] === socket) to++
      if (this.#sockets[socket]!.send(out, from, to)) held = true
      from = to
    }
    if (held) this.#out = new Batch(MAX_BATCH)
    else out.clear()
  }

  #effects(): void {
    for (let effect = this.#machine.poll(); effect !== undefined; effect = this.#machine.poll()) {
      const outcome = this.#perform?.(effect)
      outcome?.then(
        (input) => input !== undefined && this.handle(input),
        (error: unknown) => this.#fault('an effect failed', error),
      )
    }
  }

  /** A timer that is early does no harm, so a deadline that moves away does not touch it. */
  #arm(): void {
    const deadline = Math.max(this.#machine.deadline(), this.#restUntil)
    if (deadline >= this.#timerAt || this.#closed) return
    clearTimeout(this.#timer)
    this.#timerAt = deadline
    const wait = Math.max(0, Math.min(deadline - this.#clock(), MAX_TIMEOUT_MS))
    this.#timer = setTimeout(() => this.#onTimer(), wait)
  }

  #onTimer(): void {
    this.#timerAt = Number.POSITIVE_INFINITY
    this.#step(() => this.#machine.tick(this.#out, this.#clock()))
  }

  #fault(what: string, error: unknown): void {
    this.#faults++
    this.#log(what, error)
  }
}
