/**
 * One udx stream that carries frames of a tunnel's stream, sealed. It fails once, or ends once; after that it is silent.
 */
import type { UdxStream } from 'udx-native'
import type { Destination } from '../net/dual-socket.ts'
import { FrameOpener, FrameSealer, type StreamKeys, type TakeFrame } from './frames.ts'

/** What was sent over a living path has been acknowledged by then. */
const MOVE_MS = 1000

export interface CarrierEvents {
  readonly take: TakeFrame
  readonly drained: () => void
  /** Whether the other side has said, sealed, that nothing more follows: only then may the udx stream end. */
  readonly isFinished: () => boolean
  /** Both sides ended it, and everything was acknowledged. */
  readonly ended: () => void
  /** `died`: the path, the other side or a forged packet ended it. `tampered`: what came is not what was sent. */
  readonly failed: (how: 'died' | 'tampered') => void
}

export class Carrier {
  readonly #udx: UdxStream
  readonly #sealer: FrameSealer
  readonly #opener: FrameOpener
  #events: CarrierEvents | undefined
  readonly #over = { here: false, there: false }
  #timer: NodeJS.Timeout | undefined

  /** `udx` is connected. */
  constructor(udx: UdxStream, keys: StreamKeys, events: CarrierEvents) {
    this.#udx = udx
    this.#sealer = new FrameSealer(keys.send)
    this.#opener = new FrameOpener(keys.receive, (...frame) => this.#events?.take(...frame))
    this.#events = events
    udx.on('data', (chunk: Buffer) => this.#receive(chunk))
    udx.on('drain', () => this.#events?.drained())
    udx.on('end', () => this.#endedThere())
    udx.on('error', () => this.#fail('died'))
    udx.on('close', () => this.#closed())
  }

  /** False where it is full; it tells when it has drained. */
  send(plaintext: Uint8Array): boolean {
    return this.#udx.write(this.#sealer.seal(plaintext))
  }

  /** Nothing more is sent; what was sent still arrives. */
  end(): void {
    if (this.#over.here) return
    this.#over.here = true
    this.#udx.end()
  }

  /** Sends another way from now on. Fails as died where what was sent the old way is not acknowledged soon. */
  move({ socket, port, host }: Destination): void {
    if (!this.#udx.connected) return
    if (this.#timer !== undefined) {
      this.#fail('died')
      return
    }
    const moved = this.#udx.changeRemote(socket, this.#udx.remoteId, port, host)
    if (moved === null) return
    this.#timer = setTimeout(() => this.#fail('died'), MOVE_MS)
    moved.then(
      () => this.#settle(),
      () => this.#settle(),
    )
  }

  destroy(): void {
    this.#settle()
    this.#events = undefined
    this.#udx.destroy()
  }

  #settle(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #receive(chunk: Buffer): void {
    if (this.#events !== undefined && !this.#opener.push(chunk)) this.#fail('tampered')
  }

  #endedThere(): void {
    this.#over.there = true
    if (this.#events?.isFinished() === false) this.#fail('died')
  }

  #closed(): void {
    const events = this.#events
    this.destroy()
    if (this.#over.here && this.#over.there) events?.ended()
    else events?.failed('died')
  }

  #fail(how: 'died' | 'tampered'): void {
    const events = this.#events
    this.destroy()
    events?.failed(how)
  }
}
