/**
 * Joins one machine of a peer to its sockets, the clock and whoever carries out its effects, as its contract says
 * (shared/core/machine.ts). Datagrams that arrive in one turn of the event loop are handed over together; a few, which are
 * answers rather than a flood, one after another, so that what one of them asks for leaves before the next is looked at. A machine
 * that throws has a bug: it is told through `fault`, and the loop goes on. What a listener of the application throws goes to
 * the process as it does with every emitter, and the loop goes on too.
 */
import type { Machine } from '../../shared/core/machine.ts'
import { ADDRESS_WORDS } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { now } from '../clock.ts'

const MAX_TIMEOUT_MS = 2 ** 31 - 1
/** A process may have very many loops. A batch grows where more comes at once. */
const DATAGRAMS = 16
const FEW = 4

export interface LoopOptions<Effect> {
  /** Sends datagram i of the batch by the socket it names. */
  readonly send: (batch: Batch, i: number) => void
  readonly perform: (effect: Effect) => void
  readonly fault: (error: unknown) => void
}

export class Loop<Input, Effect> {
  readonly #machine: Machine<Input, Effect>
  readonly #options: LoopOptions<Effect>
  readonly #arrived = new Batch(DATAGRAMS)
  readonly #out = new Batch(DATAGRAMS)
  readonly #one = new Batch(1)
  readonly #inputs: Input[] = []
  #flush: NodeJS.Immediate | undefined
  #timer: NodeJS.Timeout | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #running = false
  #closed = false

  constructor(machine: Machine<Input, Effect>, options: LoopOptions<Effect>) {
    this.#machine = machine
    this.#options = options
  }

  receive(bytes: Uint8Array, words: Uint32Array, socket: number): void {
    if (this.#closed) return
    this.#arrived.push(bytes, words, 0, socket)
    this.#flush ??= setImmediate(() => this.#receive())
  }

  /** An input given while an effect is carried out waits its turn. */
  handle(input: Input): void {
    if (this.#closed) return
    this.#inputs.push(input)
    if (!this.#running) this.#step(() => {})
  }

  /** Does what is due. Call it once to begin. */
  tick(): void {
    this.#timerAt = Number.POSITIVE_INFINITY
    this.#step(() => this.#machine.tick(this.#out, now()))
  }

  /** The machine is not called again. */
  close(): void {
    this.#closed = true
    clearImmediate(this.#flush)
    clearTimeout(this.#timer)
  }

  #receive(): void {
    this.#flush = undefined
    const { count } = this.#arrived
    if (count === 1 || count > FEW) this.#step(() => this.#machine.receive(this.#arrived, this.#out, now()))
    else for (let i = 0; i < count; i++) this.#receiveOne(i)
    this.#arrived.clear()
  }

  #receiveOne(i: number): void {
    this.#one.clear()
    this.#one.push(this.#arrived.at(i), this.#arrived.address, i * ADDRESS_WORDS, this.#arrived.socket[i]!)
    this.#step(() => this.#machine.receive(this.#one, this.#out, now()))
  }

  #step(call: () => void): void {
    if (this.#closed) return
    this.#running = true
    try {
      this.#attempt(call)
      for (let input = this.#inputs.shift(); input !== undefined; input = this.#inputs.shift()) {
        const next = input
        this.#attempt(() => this.#machine.handle(next, this.#out, now()))
      }
    } finally {
      this.#running = false
      this.#arm()
    }
  }

  #attempt(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#out.clear()
      this.#options.fault(error)
    }
    for (let i = 0; i < this.#out.count; i++) this.#options.send(this.#out, i)
    this.#out.clear()
    this.#effects()
  }

  #effects(): void {
    for (let effect = this.#machine.poll(); effect !== undefined; effect = this.#machine.poll()) {
      this.#options.perform(effect)
    }
  }

  #arm(): void {
    const deadline = this.#machine.deadline()
    if (deadline >= this.#timerAt || this.#closed) return
    clearTimeout(this.#timer)
    this.#timerAt = deadline
    const wait = Math.max(0, Math.min(deadline - now(), MAX_TIMEOUT_MS))
    this.#timer = setTimeout(() => this.tick(), wait)
  }
}
