/**
 * A machine inside an endpoint, with sockets of its own. The machine numbers its sockets from 0, as if it were alone.
 * This class translates them to the endpoint's numbers, and carries out the machine's requests for sockets.
 */
import { ADDRESS_WORDS } from '../../wire/address.ts'
import { Batch } from '../../wire/batch.ts'
import type { Machine } from '../machine.ts'
import type { TunnelInput } from '../tunnel/events.ts'
import type { SocketsEffect } from '../tunnel/sockets.ts'
import { NO_SOCKET, type Part, type SocketBook } from './socket-book.ts'
import type { Turn } from './turn.ts'

export type SocketsInput = Extract<TunnelInput, { kind: 'sockets' }>
export type { SocketsEffect }

export interface HostedOptions<Input, Effect> {
  readonly machine: Machine<Input | SocketsInput, Effect | SocketsEffect>
  /** The part that the sockets belong to. */
  readonly part: Part
  /** The endpoint's numbers of the sockets that are open from the beginning. */
  readonly sockets: readonly number[]
  readonly book: SocketBook
  /** Lock for machines that ask to be alone. */
  readonly turn: Turn
}

/** Datagrams passed to the machine, with its socket numbers. */
const handed = new Batch(1)

export class Hosted<Input, Effect extends { readonly kind: string }> {
  readonly #options: HostedOptions<Input, Effect>
  /** The endpoint's socket numbers, by the machine's; undefined for a closed socket. */
  #sockets: (number | undefined)[]
  /** Set while requested sockets are being opened: whether the machine is alone. */
  #asked: { readonly alone: boolean } | undefined

  constructor(options: HostedOptions<Input, Effect>) {
    this.#options = options
    this.#sockets = [...options.sockets]
  }

  /** The endpoint's number of a socket of the machine. */
  socketOf(local: number): number {
    return this.#sockets[local] ?? NO_SOCKET
  }

  receive(arrived: Batch, from: number, to: number, out: Batch, now: number): void {
    handed.clear()
    for (let i = from; i < to; i++) {
      const local = this.#options.book.localOf(arrived.socket[i]!)
      handed.push(arrived.at(i), arrived.address, i * ADDRESS_WORDS, local)
    }
    this.#call(() => this.#options.machine.receive(handed, out, now), out)
  }

  handle(input: Input | SocketsInput, out: Batch, now: number): void {
    this.#call(() => this.#options.machine.handle(input, out, now), out)
  }

  tick(out: Batch, now: number): void {
    this.#call(() => this.#options.machine.tick(out, now), out)
  }

  deadline(): number {
    return this.#options.machine.deadline()
  }

  /** The next effect that is not about sockets. */
  poll(out: Batch, now: number): Effect | undefined {
    const { machine } = this.#options
    for (let effect = machine.poll(); effect !== undefined; effect = machine.poll()) {
      if (!isAboutSockets(effect)) return effect
      if (effect.kind === 'closeSockets') this.#closeAllBut(effect.keep)
      else this.#open(effect.count, effect.alone, out, now)
    }
    return undefined
  }

  /** The requested sockets are open, as far as the system allows. */
  opened(out: Batch, now: number): void {
    const asked = this.#asked
    if (asked === undefined) return
    this.#asked = undefined
    const ports = Array.from(this.#sockets.slice(1), (socket) => this.#portOf(socket))
    for (const [i, port] of ports.entries()) if (port === 0) this.#sockets[i + 1] = undefined
    this.handle({ kind: 'sockets', ports, alone: asked.alone }, out, now)
  }

  /** Closes all sockets. */
  end(): void {
    this.#closeAllBut([])
    this.#options.book.close(this.#options.sockets)
  }

  #open(count: number, wantsTurn: boolean, out: Batch, now: number): void {
    const { turn, book, part } = this.#options
    const alone = wantsTurn && turn.take(part)
    const locals = Array.from({ length: wantsTurn && !alone ? 0 : count }, (_, i) => i + 1)
    const missing = locals.filter((local) => this.#sockets[local] === undefined)
    this.#asked = { alone }
    if (missing.length === 0) {
      this.opened(out, now)
      return
    }
    for (const [i, socket] of book.open(part, missing, 'fresh').entries()) this.#sockets[missing[i]!] = socket
  }

  #closeAllBut(keep: readonly number[]): void {
    const { turn, book, part } = this.#options
    turn.give(part)
    for (const [local, socket] of this.#sockets.entries()) {
      if (local === 0 || socket === undefined || keep.includes(local)) continue
      book.close([socket])
      this.#sockets[local] = undefined
    }
  }

  #portOf(socket: number | undefined): number {
    return socket === undefined ? 0 : (this.#options.book.portsOf(socket)?.four ?? 0)
  }

  #call(call: () => void, out: Batch): void {
    const from = out.count
    call()
    for (let i = from; i < out.count; i++) out.socket[i] = this.socketOf(out.socket[i]!)
  }
}

function isAboutSockets<Effect extends { readonly kind: string }>(
  effect: Effect | SocketsEffect,
): effect is SocketsEffect {
  return effect.kind === 'openSockets' || effect.kind === 'closeSockets'
}
