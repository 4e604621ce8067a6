/** The additional IPv4 sockets of a tunnel, numbered from 1. A technique that needs them opens many at a time. */
import { DualSocket } from './dual-socket.ts'

/** Receives a datagram. It may keep `bytes`, but not `words`. */
export type ReceiveOn = (bytes: Uint8Array, words: Uint32Array, socket: number) => void

export class FreshSockets {
  readonly #receive: ReceiveOn
  readonly #sockets: (DualSocket | undefined)[] = []

  constructor(receive: ReceiveOn) {
    this.#receive = receive
  }

  at(number: number): DualSocket | undefined {
    return this.#sockets[number]
  }

  /** Opens sockets 1 to `count`, as far as the system gives them. Returns the port of each, or 0 if it is not open. */
  open(count: number): number[] {
    for (let number = 1; number <= count; number++) this.#sockets[number] ??= this.#open(number)
    return [...this.#sockets.slice(1)].map((socket) => socket?.ports.four ?? 0)
  }

  closeAllBut(keep: readonly number[]): void {
    for (const [number, socket] of this.#sockets.entries()) {
      if (socket === undefined || keep.includes(number)) continue
      this.#sockets[number] = undefined
      void socket.close()
    }
  }

  #open(number: number): DualSocket | undefined {
    try {
      return new DualSocket((bytes, words) => this.#receive(bytes, words, number), { ipv4Only: true })
    } catch {
      return undefined
    }
  }
}
