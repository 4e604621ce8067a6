/** A TCP port that leads to another one and can be dropped, stalled or cut. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** Gets the bytes that pass a proxy, in either direction. */
export type Tap = (bytes: Uint8Array) => void

export class TcpWire {
  readonly #target: { readonly host: string; readonly port: number }
  readonly #tap: Tap
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((socket) => this.#accept(socket))
  /** How many faults cut or stall it now: they may overlap. */
  #cuts = 0
  #stalls = 0

  /** `tap` gets whatever passes. */
  constructor(target: URL, tap: Tap = () => {}) {
    this.#target = { host: target.hostname, port: Number(target.port) }
    this.#tap = tap
  }

  /** Listens, on a free port if `port` is 0, and resolves with the port. */
  async open(host: string, port = 0): Promise<number> {
    this.#server.listen(port, host)
    await once(this.#server, 'listening')
    return (this.#server.address() as { readonly port: number }).port
  }

  /** Ends every connection, and refuses new ones until `mend`. */
  cut(): void {
    this.#cuts++
    for (const socket of this.#sockets) socket.destroy()
  }

  mend(): void {
    this.#cuts--
  }

  /** Keeps connections open and passes nothing on until `flow`. */
  stall(): void {
    this.#stalls++
    for (const socket of this.#sockets) socket.pause()
  }

  flow(): void {
    this.#stalls--
    if (this.#stalls === 0) for (const socket of this.#sockets) socket.resume()
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #accept(near: Socket): void {
    if (this.#cuts > 0) {
      near.destroy()
      return
    }
    const far = connect(this.#target)
    const ends: readonly [Socket, Socket][] = [
      [near, far],
      [far, near],
    ]
    for (const [one, other] of ends) {
      this.#sockets.add(one)
      one.on('data', (bytes) => {
        this.#tap(bytes)
        other.write(bytes)
      })
      one.on('error', () => {})
      one.on('close', () => {
        this.#sockets.delete(one)
        other.destroy()
      })
      if (this.#stalls > 0) one.pause()
    }
  }
}
