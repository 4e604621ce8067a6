/** The sockets of a tunnel besides its own, over IPv4, numbered from 1 on: opened many at a time for a technique that needs them. */
import { DualSocket } from './dual-socket.ts'

/** `bytes` is the receiver's to keep, `words` are not. */
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

  /** As many of 1 to `count` as the system gives; the port of each that is open, 0 where none is. */
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
