/**
 * Connects one machine to its sockets, its clock and the code that carries out its effects, following the contract of
 * `shared/core/machine.ts`. Nodes and peers use it alike.
 *
 * One step is one call of the machine. First the datagrams that the machine appended to its batch are sent, then its effects
 * are carried out, then one timer is armed for its deadline. An input given during a step waits until the step is over.
 *
 * Datagrams that arrive in one turn of the event loop are handed over together. If there are at most FEW, they are handed
 * over one by one, so that the answer to each leaves before the next is processed.
 *
 * No fault ends the loop or holds up later work. Each one is reported to `fault` and counted:
 *
 *   a datagram or an input makes the machine throw   it is dropped, and nothing of its step is sent. If several datagrams
 *                                                    were handed over together, each is handed over again by itself, so
 *                                                    that only the poisoned one is lost
 *   the machine throws at its deadline               it is called again after REST_MS
 *   an effect throws, or its promise rejects         the other effects are carried out
 */
import type { Machine } from '../core/machine.ts'
import { ADDRESS_WORDS } from '../wire/address.ts'
import { Batch } from '../wire/batch.ts'
import { type Clock, clock } from './clock.ts'

/** Datagrams that one call of the machine handles, approximately: enough to spread its cost, few enough to answer early. */
const MAX_BATCH = 64
/** Initial capacity of a batch: small, because a process may have thousands of loops. A batch grows when needed. */
const ROOM = 16
const FEW = 4
/** Node turns a longer timeout into 1 ms. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1
/** Pause after a machine threw at its deadline, as it would throw again immediately. */
const REST_MS = 1000
const NEVER = Number.POSITIVE_INFINITY

/** Runs an action when what has arrived by now has been read. Browsers, which lack setImmediate, give it one by one. */
function endOfTurn(action: () => void): void {
  const { setImmediate = queueMicrotask } = globalThis as { setImmediate?: (action: () => void) => void }
  setImmediate(action)
}

/** A fault: a bug in this code base or in the application. */
export type Fault<Input, Effect> = { readonly error: unknown } & (
  | { readonly kind: 'datagram' | 'tick' }
  /** The machine threw at this input, and will not see it again. */
  | { readonly kind: 'input'; readonly input: Input }
  | { readonly kind: 'effect'; readonly effect: Effect }
)

export interface LoopOptions<Input, Effect> {
  /** Sends the batch. Returns true if the sockets still need its bytes; they then own the batch. */
  readonly send: (out: Batch) => boolean
  /** Carries out an effect. If its promise resolves to an input, the machine receives that input. */
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
  #willFlush = false
  #timer: ReturnType<typeof setTimeout> | undefined
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

  /** Number of faults so far. */
  get faults(): number {
    return this.#faults
  }

  /** Adds one datagram that arrived. */
  receive(bytes: Uint8Array, words: Uint32Array, socket: number): void {
    if (this.#closed) return
    this.arrived.push(bytes, words, 0, socket)
    this.#flushSoon()
  }

  /** Processes `arrived`, now or at the end of this turn. Sockets call it after appending. */
  flush(): void {
    if (this.arrived.count >= MAX_BATCH && !this.#running) this.#receive()
    else this.#flushSoon()
  }

  /** Hands an input to the machine. An input given during a step waits until the step is over. */
  handle(input: Input): void {
    if (this.#closed) return
    this.#inputs.push(input)
    if (!this.#running) this.#run(() => true)
  }

  /** Runs whatever the machine has due. Call it once to start the loop. */
  tick(): void {
    this.#timerAt = NEVER
    this.#run(() => this.#step(() => this.#machine.tick(this.#out, this.#now()), this.#rest))
  }

  /** Stops the loop: nothing more is sent or carried out, and the machine is not called again. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  /** Returns the time for the next call of the machine, and updates the machine's wall-clock offset. */
  #now(): number {
    const now = this.#clock.now()
    if (this.#machine.wall !== undefined) this.#machine.wall.aheadMs = this.#clock.aheadMs
    return now
  }

  #flushSoon(): void {
    if (this.#willFlush) return
    this.#willFlush = true
    endOfTurn(() => this.#willFlush && this.#receive())
  }

  #receive(): void {
    this.#willFlush = false
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

  /** Runs one step. Returns false if the machine threw; its output is then discarded, as it may end in half a datagram. */
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

  /** Pauses deadline calls for REST_MS after the machine threw. */
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

  /** Arms the timer. An early timer does no harm, so a deadline that moves later leaves it alone. */
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
