/**
 * The sockets of a tunnel: number 0 is its own, the others are opened for a technique that needs many, and closed after it
 * but for those that a path was found on. The machine holds none of them: it asks (`openSockets`), and is told which
 * there are (`sockets`). *Alone* is leave to scatter: one tunnel of a host has it at a time, until its sockets close.
 */
import type { TunnelEffect } from './events.ts'

export const OWN_SOCKET = 0
/** A batch names a socket by one byte. */
const MAX_FRESH = 255

export class Sockets {
  readonly #used: () => ReadonlySet<number>
  /** Ports by number, from socket 1 on; 0 where it is closed. */
  #ports: readonly number[] = []
  #alone = false
  /** What was asked for is there, or as much of it as the system gives. */
  #answered = true
  #effects: TunnelEffect[] = []

  /** `used`: those that paths were found on. */
  constructor(used: () => ReadonlySet<number>) {
    this.#used = used
  }

  get answered(): boolean {
    return this.#answered
  }

  get alone(): boolean {
    return this.#alone
  }

  /** Those that no path is on, besides its own. */
  get fresh(): readonly number[] {
    const used = this.#used()
    return this.#ports.flatMap((port, i) => (port > 0 && !used.has(i + 1) ? [i + 1] : []))
  }

  isOpen(socket: number): boolean {
    return socket === OWN_SOCKET || this.portOf(socket) > 0
  }

  portOf(socket: number): number {
    return this.#ports[socket - 1] ?? 0
  }

  open(count: number, alone = false): void {
    this.#answered = false
    this.#effects.push({ kind: 'openSockets', count: Math.min(count, MAX_FRESH), alone })
  }

  /** One more than there are; its number. */
  openAnother(): number {
    const free = this.#ports.indexOf(0)
    const number = free < 0 ? this.#ports.length + 1 : free + 1
    this.open(number)
    return number
  }

  opened(ports: readonly number[], alone: boolean): void {
    this.#answered = true
    this.#alone = alone
    this.#ports = ports
  }

  closeUnused(): void {
    if (this.#answered && !this.#alone && this.fresh.length === 0) return
    const used = this.#used()
    this.#answered = true
    this.#alone = false
    this.#ports = this.#ports.map((port, i) => (used.has(i + 1) ? port : 0))
    this.#effects.push({ kind: 'closeSockets', keep: [...used] })
  }

  effect(): TunnelEffect | undefined {
    return this.#effects.shift()
  }
}
