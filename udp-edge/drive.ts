/** Binds the sockets of a service and drives its machine on them (shared/drive/loop.ts). */
import type { Machine } from '../shared/core/machine.ts'
import type { Clock } from '../shared/drive/clock.ts'
import { type Fault, Loop } from '../shared/drive/loop.ts'
import { tracedIfAsked } from '../shared/drive/traced.ts'
import type { Address } from '../shared/wire/address.ts'
import type { Batch } from '../shared/wire/batch.ts'
import { bindUdp } from './bind.ts'
import type { Bind, DatagramSocket, Endpoint, SocketCounters } from './socket.ts'

export interface DriveOptions<Input, Effect> {
  /** Sockets to bind, in the order of the machine's socket numbers. */
  readonly sockets: readonly Endpoint[]
  /** Carries out an effect. If it resolves to an input, the machine handles that input. */
  readonly perform?: (effect: Effect) => Promise<Input | undefined> | undefined
  readonly bind?: Bind
  /** Default: the clock of this process. */
  readonly clock?: Clock
  readonly log?: (what: string, error: unknown) => void
}

export interface Driver<Input> {
  /** Bound addresses of each socket, in order. A socket of both address families has two. */
  readonly addresses: readonly (readonly Address[])[]
  handle(input: Input): void
  counters(): DriverCounters
  /** Stops receiving, sending and performing effects. The machine is not called again. */
  close(): Promise<void>
}

export interface DriverCounters extends SocketCounters {
  /** Exceptions that the machine or an effect threw. Each is a bug. */
  readonly faults: number
}

/** Binds the sockets and starts the machine. Rejects with `unavailable` if a socket cannot be bound; then none stays open. */
export async function drive<Input, Effect>(
  machine: Machine<Input, Effect>,
  options: DriveOptions<Input, Effect>,
): Promise<Driver<Input>> {
  const { perform, clock, log = (what, error) => console.error(what, error) } = options
  let sockets: readonly DatagramSocket[] = []
  const loop = new Loop(tracedIfAsked(machine.constructor.name, machine), {
    send: (out) => sendAll(out, sockets),
    perform,
    fault: ({ kind, error }) => log(FAULTS[kind], error),
    clock,
  })
  sockets = await bindAll(options.sockets, options.bind ?? bindUdp, loop)
  loop.tick()
  let closing: Promise<unknown> | undefined
  return {
    addresses: sockets.map((socket) => socket.addresses),
    handle: (input) => loop.handle(input),
    counters: () => sumOf(sockets, loop.faults),
    close: async () => {
      loop.close()
      closing ??= Promise.all(sockets.map((socket) => socket.close()))
      await closing
    },
  }
}

const FAULTS: Readonly<Record<Fault<never, never>['kind'], string>> = {
  datagram: 'a machine threw at a datagram',
  input: 'a machine threw at an input',
  tick: 'a machine threw when its time had come',
  effect: 'an effect failed',
}

/** Binds all sockets. Datagrams that arrive before all are open are dropped, because nothing could be answered yet. */
async function bindAll<Input, Effect>(
  endpoints: readonly Endpoint[],
  bind: Bind,
  loop: Loop<Input, Effect>,
): Promise<readonly DatagramSocket[]> {
  const batch = loop.arrived
  let isOpen = false
  const arrived = () => (isOpen ? loop.flush() : batch.clear())
  const opening = endpoints.map((at, socket) => bind(at, { batch, socket, arrived }))
  const outcomes = await Promise.allSettled(opening)
  const sockets = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const refused = outcomes.find((outcome) => outcome.status === 'rejected')
  if (refused !== undefined) {
    loop.close()
    await Promise.all(sockets.map((socket) => socket.close()))
    throw refused.reason
  }
  isOpen = true
  return sockets
}

/** Sends a batch, with one call per run of datagrams for the same socket. True if a socket still needs the bytes. */
function sendAll(out: Batch, sockets: readonly DatagramSocket[]): boolean {
  let held = false
  for (let from = 0; from < out.count; ) {
    const socket = out.socket[from]!
    let to = from + 1
    while (to < out.count && out.socket[to] === socket) to++
    if (sockets[socket]!.send(out, from, to)) held = true
    from = to
  }
  return held
}

function sumOf(sockets: readonly DatagramSocket[], faults: number): DriverCounters {
  const sum = { received: 0, sent: 0, dropped: 0, errors: 0, overrun: 0, faults }
  for (const { counters } of sockets) {
    sum.received += counters.received
    sum.sent += counters.sent
    sum.dropped += counters.dropped
    sum.errors += counters.errors
    sum.overrun += counters.overrun
  }
  return sum
}
