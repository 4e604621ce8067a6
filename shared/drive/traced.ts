/**
 * Shows a machine at work, a line for each datagram, input and effect:
 *
 *   12.345 < 198.51.100.1:4000 93 WELCOME        a datagram arrived: source, bytes, kind
 *   12.346 > 198.51.100.1:4000 6 KEEP_ALIVE      a datagram was sent: destination, bytes, kind
 *   12.346 input offer {"tunnel":7,...}          the application, a timer of the system or a reply gave an input
 *   12.347 effect deliver {"bytes":"32 bytes"}   the machine asked for something
 *
 * Times are seconds since the first line. Keys, tickets and the bodies of messages are never shown: bytes and long
 * strings appear as their length.
 */
import type { Machine } from '../core/machine.ts'
import type { Wall } from '../core/wall.ts'
import { ADDRESS_WORDS, type Address, formatAddress } from '../wire/address.ts'
import type { Batch } from '../wire/batch.ts'
import { KIND, VERSION } from '../wire/numbers.ts'

/** Strings up to this length are shown: ids, addresses, statuses and reasons. Tickets are longer. */
const SHOWN = 64
const KIND_NAMES = new Map<number, string>(Object.entries(KIND).map(([name, number]) => [number, name]))

let machines = 0

interface Named {
  readonly kind: string
}

/**
 * Returns the machine, or its traced form if the environment variable STRAIGHTWAY_TRACE is set. Lines go to stderr and begin with the
 * name and a number of the machine.
 */
export function tracedIfAsked<Input, Effect>(
  name: string,
  machine: Machine<Input, Effect>,
): Machine<Input, Effect> {
  if (!process.env.STRAIGHTWAY_TRACE) return machine
  const which = `${name} ${++machines}`
  return new Traced(machine, (line) => process.stderr.write(`${which} ${line}\n`))
}

/** Does what its machine does, and tells every step. */
export class Traced<Input, Effect> implements Machine<Input, Effect> {
  readonly wall?: Wall
  readonly #machine: Machine<Input, Effect>
  readonly #tell: (line: string) => void
  #began: number | undefined
  #now = 0

  constructor(machine: Machine<Input, Effect>, tell: (line: string) => void) {
    if (machine.wall !== undefined) this.wall = machine.wall
    this.#machine = machine
    this.#tell = tell
  }

  receive(arrived: Batch, out: Batch, now: number): void {
    this.#at(now)
    for (let i = 0; i < arrived.count; i++) this.#line(`< ${datagram(arrived, i)}`)
    this.#step(out, () => this.#machine.receive(arrived, out, now))
  }

  handle(input: Input, out: Batch, now: number): void {
    this.#at(now)
    this.#line(`input ${shown(input)}`)
    this.#step(out, () => this.#machine.handle(input, out, now))
  }

  tick(out: Batch, now: number): void {
    this.#at(now)
    this.#step(out, () => this.#machine.tick(out, now))
  }

  deadline(): number {
    return this.#machine.deadline()
  }

  poll(): Effect | undefined {
    const effect = this.#machine.poll()
    if (effect !== undefined) this.#line(`effect ${shown(effect)}`)
    return effect
  }

  #step(out: Batch, call: () => void): void {
    const before = out.count
    call()
    for (let i = before; i < out.count; i++) this.#line(`> ${datagram(out, i)}`)
  }

  #at(now: number): void {
    this.#began ??= now
    this.#now = now
  }

  #line(text: string): void {
    this.#tell(`${((this.#now - (this.#began ?? 0)) / 1000).toFixed(3)} ${text}`)
  }
}

function datagram(batch: Batch, i: number): string {
  const bytes = batch.at(i)
  const address = formatAddress(batch.address, i * ADDRESS_WORDS)
  return `${address} ${bytes.length} ${kindOf(bytes)}`
}

/** Returns the kind of a datagram of ours. Everything else is STUN or a tunnel's own packet. */
function kindOf([first, second]: Uint8Array): string {
  if (first === VERSION) return KIND_NAMES.get(second ?? 0) ?? 'unknown'
  return first !== undefined && first < 4 ? 'STUN' : 'tunnel'
}

function shown(value: unknown): string {
  const { kind, ...fields } = value as Named & Record<string, unknown>
  return Object.keys(fields).length === 0 ? kind : `${kind} ${JSON.stringify(fields, hidden)}`
}

/** Replaces a value that is long, secret or binary. `this` is its holder: a Buffer would come as the result of its toJSON. */
function hidden(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const held = this[key]
  if (isAddress(held)) return formatAddress(held.words)
  if (ArrayBuffer.isView(held)) return `${held.byteLength} bytes`
  if (typeof held === 'bigint') return String(held)
  if (typeof held === 'string' && held.length > SHOWN) return `${held.length} characters`
  return value
}

const isAddress = (value: unknown): value is Address =>
  typeof value === 'object' &&
  value !== null &&
  'words' in value &&
  value.words instanceof Uint32Array &&
  value.words.length === ADDRESS_WORDS
