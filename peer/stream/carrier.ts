/**
 * One udx stream that carries frames of a tunnel's stream, sealed. It fails once, or ends once; after that it is silent.
 * It ends, and believes that something arrived, by the sealed word of the other side alone (proof.ts).
 */
import type { UdxStream } from 'udx-native'
import type { Destination } from '../net/dual-socket.ts'
import { FrameOpener, FrameSealer, type StreamKeys, type TakeFrame } from './frames.ts'
import { Proof } from './proof.ts'

/** What was sent over a living path has been acknowledged by then. */
const MOVE_MS = 1000
/** The end of a udx stream is acknowledged by then, or will not be. */
const END_MS = 1000

export interface CarrierEvents {
  readonly take: TakeFrame
  readonly drained: () => void
  /** Both sides ended it, and know that everything arrived. */
  readonly ended: () => void
  /** `died`: the path, the other side or a forged packet ended it, or left a gap in it. `tampered`: what came is not what was sent. */
  readonly failed: (how: 'died' | 'tampered') => void
}

export class Carrier {
  readonly #udx: UdxStream
  readonly #sealer: FrameSealer
  readonly #opener: FrameOpener
  #events: CarrierEvents | undefined
  readonly #proof: Proof
  #timer: NodeJS.Timeout | undefined

  /** `udx` is connected. */
  constructor(udx: UdxStream, keys: StreamKeys, events: CarrierEvents) {
    this.#udx = udx
    this.#sealer = new FrameSealer(keys.send)
    this.#opener = new FrameOpener(keys.receive, (...frame) => this.#take(...frame))
    this.#events = events
    this.#proof = new Proof({
      send: (plaintext) => this.#udx.write(this.#sealer.seal(plaintext)),
      flushed: () => udx.flush(),
      disproved: () => this.#fail('died'),
      over: () => this.#end(),
    })
    udx.on('data', (chunk: Buffer) => this.#receive(chunk))
    udx.on('drain', () => this.#drained())
    udx.on('end', () => this.#endedThere())
    udx.on('error', () => this.#fail('died'))
    udx.on('close', () => this.#closed())
  }

  /** False where it is full; it tells when it has drained. */
  send(plaintext: Uint8Array): boolean {
    this.#proof.sent()
    return this.#udx.write(this.#sealer.seal(plaintext))
  }

  /** Nothing more is sent, here and there; what was sent still arrives. */
  end(): void {
    this.#proof.end()
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
    this.#proof.close()
    this.#events = undefined
    this.#udx.destroy()
  }

  #settle(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #drained(): void {
    this.#proof.drained()
    this.#events?.drained()
  }

  #receive(chunk: Buffer): void {
    if (this.#events !== undefined && !this.#opener.push(chunk)) this.#fail('tampered')
  }

  #take(...[kind, position, body]: Parameters<TakeFrame>): void {
    if (!this.#proof.take(kind, position)) this.#events?.take(kind, position, body)
  }

  /** The other side has everything; it is given END_MS to acknowledge the end of the udx stream as well. */
  #end(): void {
    this.#udx.end()
    this.#settle()
    this.#timer = setTimeout(() => this.#closed(), END_MS)
  }

  #endedThere(): void {
    if (!this.#proof.isOver) this.#fail('died')
  }

  #closed(): void {
    const events = this.#events
    this.destroy()
    if (this.#proof.isOver) events?.ended()
    else events?.failed('died')
  }

  #fail(how: 'died' | 'tampered'): void {
    const events = this.#events
    this.destroy()
    events?.failed(how)
  }
}
