/**
 * Joins one machine to its sockets, the clock and whoever carries out its effects, as the contract of
 * `shared/core/machine.ts` says: the one place where a protocol meets the world, at nodes and at peers.
 *
 * One step is one call of the machine. What the machine appended to its batch is sent before anything else happens, then
 * its effects are carried out, then one timer is armed for its deadline. Inputs that are given during a step wait until
 * it is over.
 *
 * Datagrams that arrive in one turn of the event loop are handed over together. A few of them, which are answers rather
 * than a flood, are handed over one after another, so that what one of them asks for leaves before the next is looked at.
 *
 * No fault ends the loop or holds up what is behind it. Each one is told to `fault` and counted:
 *
 *   a datagram or an input makes the machine throw   it is dropped, and nothing of its step is sent. Where several
 *                                                    datagrams were handed over together, each is handed over again by
 *                                                    itself, so that only the poisoned one is lost
 *   the machine throws when its time has come        it is called again after REST_MS
 *   an effect throws, or its promise rejects         the other effects are carried out
 */
import type { Machine } from '../core/machine.ts'
import { ADDRESS_WORDS } from '../wire/address.ts'
import { Batch } from '../wire/batch.ts'
import { type Clock, clock } from './clock.ts'

/** One call of the machine handles at most about this many: enough to spread its cost, few enough to answer early. */
const MAX_BATCH = 64
/** A process may have thousands of loops. A batch grows when more arrives at the same time. */
const ROOM = 16
const FEW = 4
/** Node turns a longer timeout into 1 ms. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1
/** A machine that throws when its time has come would throw again immediately. */
const REST_MS = 1000
const NEVER = Number.POSITIVE_INFINITY

/** What went wrong: a bug, of ours or of the application. */
export type Fault<Input, Effect> = { readonly error: unknown } & (
  | { readonly kind: 'datagram' | 'tick' }
  /** The machine threw at this input, and will not see it again. */
  | { readonly kind: 'input'; readonly input: Input }
  | { readonly kind: 'effect'; readonly effect: Effect }
)

export interface LoopOptions<Input, Effect> {
  /** Sends what is in the batch. True if the sockets still need its bytes: then the batch is theirs. */
  readonly send: (out: Batch) => boolean
  /** Carries out an effect. What a promise resolves to is the machine's next input. */
  readonly perform?: ((effect: Effect) => Promise<Input | undefined> | undefined) | undefined
  readonly fault: (fault: Fault<Input, Effect>) => void
  /** Default: the clock of this process. */
  readonly clock?: Clock | undefined
}

export class Loop<Input, Effect> {
  /** Sockets append here what arrives, and then call `flush`. */
  readonly arrived = new Batch(ROOM)
  readonly #machine: Machine<Input, Effect>
  readonly #options: LoopOptions<Input, Effect>
  readonly #clock: Clock
  readonly #one = new Batch(1)
  #out = new Batch(ROOM)
  readonly #inputs: Input[] = []
  #flush: NodeJS.Immediate | undefined
  #timer: NodeJS.Timeout | undefined
  #timerAt = NEVER
  #restUntil = 0
  #running = false
  #closed = false
  #faults = 0

  constructor(machine: Machine<Input, Effect>, options: LoopOptions<Input, Effect>) {
    this.#machine = machine
    this.#options = options
    this.#clock = options.clock ?? clock
  }

  /** How often something threw. */
  get faults(): number {
    return this.#faults
  }

  /** One datagram that arrived. */
  receive(bytes: Uint8Array, words: Uint32Array, socket: number): void {
    if (this.#closed) return
    this.arrived.push(bytes, words, 0, socket)
    this.#flushSoon()
  }

  /** There is something in `arrived`. */
  flush(): void {
    if (this.arrived.count >= MAX_BATCH && !this.#running) this.#receive()
    else this.#flushSoon()
  }

  /** An input that is given during a step waits its turn. */
  handle(input: Input): void {
    if (this.#closed) return
    this.#inputs.push(input)
    if (!this.#running) this.#run(() => true)
  }

  /** Does what is due. Call it once to begin. */
  tick(): void {
    this.#timerAt = NEVER
    this.#run(() => this.#step(() => this.#machine.tick(this.#out, this.#now()), this.#rest))
  }

  /** Nothing is sent or carried out any more, and the machine is not called again. */
  close(): void {
    this.#closed = true
    clearImmediate(this.#flush)
    clearTimeout(this.#timer)
  }

  /** The time, for the call of the machine that follows. */
  #now(): number {
    const now = this.#clock.now()
    if (this.#machine.wall !== undefined) this.#machine.wall.aheadMs = this.#clock.aheadMs
    return now
  }

  #flushSoon(): void {
    this.#flush ??= setImmediate(() => this.#receive())
  }

  #receive(): void {
    clearImmediate(this.#flush)
    this.#flush = undefined
    const { arrived } = this
    let done = arrived.count > FEW && this.#receiveTogether() ? arrived.count : 0
    for (; done < arrived.count; done++) this.#receiveOne(done)
    arrived.clear()
  }

  /** False if one of them made the machine throw. */
  #receiveTogether(): boolean {
    const receive = () => this.#machine.receive(this.arrived, this.#out, this.#now())
    return this.#run(() => this.#step(receive, () => {}))
  }

  #receiveOne(i: number): void {
    this.#one.clear()
    this.#one.push(this.arrived.at(i), this.arrived.address, i * ADDRESS_WORDS, this.arrived.socket[i]!)
    const receive = () => this.#machine.receive(this.#one, this.#out, this.#now())
    this.#run(() => this.#step(receive, (error) => this.#fault({ kind: 'datagram', error })))
  }

  #run(first: () => boolean): boolean {
    if (this.#closed) return true
    this.#running = true
    const done = first()
    for (let input = this.#inputs.shift(); input !== undefined; input = this.#inputs.shift()) {
      const next = input
      const handle = () => this.#machine.handle(next, this.#out, this.#now())
      this.#step(handle, (error) => this.#fault({ kind: 'input', input: next, error }))
    }
    this.#running = false
    this.#attempt(() => this.#arm(this.#machine.deadline()), this.#rest)
    return done
  }

  /** False if the machine threw: then nothing that it wrote is sent, as it may be half a datagram. */
  #step(call: () => void, failed: (error: unknown) => void): boolean {
    if (this.#closed) return true
    const done = this.#attempt(call, failed)
    if (!done) this.#out.clear()
    this.#attempt(() => {
      this.#send()
      this.#effects()
    }, this.#rest)
    return done
  }

  /** The machine is not called for its deadline again for a while. */
  readonly #rest = (error: unknown): void => {
    this.#restUntil = this.#now() + REST_MS
    this.#arm(this.#restUntil)
    this.#fault({ kind: 'tick', error })
  }

  #attempt(call: () => void, failed: (error: unknown) => void): boolean {
    try {
      call()
      return true
    } catch (error) {
      failed(error)
      return false
    }
  }

  #send(): void {
    if (this.#out.count === 0) return
    const out = this.#out
    if (this.#options.send(out)) this.#out = new Batch(out.capacity)
    else out.clear()
  }

  #effects(): void {
    for (let effect = this.#machine.poll(); effect !== undefined; effect = this.#machine.poll()) {
      if (this.#closed) return
      this.#perform(effect)
    }
  }

  #perform(effect: Effect): void {
    const failed = (error: unknown) => this.#fault({ kind: 'effect', effect, error })
    this.#attempt(() => {
      const outcome = this.#options.perform?.(effect)
      outcome?.then((input) => input !== undefined && this.handle(input), failed)
    }, failed)
  }

  /** A timer that is early does no harm, so a deadline that moves away does not touch it. */
  #arm(wanted: number): void {
    const deadline = Math.max(wanted, this.#restUntil)
    if (deadline >= this.#timerAt || this.#closed) return
    clearTimeout(this.#timer)
    this.#timerAt = deadline
    const wait = Math.max(0, Math.min(deadline - this.#now(), MAX_TIMEOUT_MS))
    this.#timer = setTimeout(() => this.tick(), wait)
  }

  #fault(fault: Fault<Input, Effect>): void {
    this.#faults++
    this.#options.fault(fault)
  }
}
