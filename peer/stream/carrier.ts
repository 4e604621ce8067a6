/**
 * One udx stream that carries the sealed frames of a tunnel's stream. It either fails once or ends once, and emits
 * nothing after that. It believes that data arrived, or that the stream ended, only if the other side says so in a
 * sealed frame (proof.ts).
 */
import type { UdxStream } from 'udx-native'
import type { Destination } from '../net/dual-socket.ts'
import { FrameOpener, FrameSealer, type StreamKeys, type TakeFrame } from './frames.ts'
import { Proof } from './proof.ts'

/** Time within which data sent over a working path is acknowledged. */
const MOVE_MS = 1000
/** Time within which the end of a udx stream is acknowledged. After it, the stream is closed anyway. */
const END_MS = 1000

export interface CarrierEvents {
  readonly take: TakeFrame
  readonly drained: () => void
  /** Both sides have ended, and each knows that everything arrived. */
  readonly ended: () => void
  /**
   * The carrier failed. `died`: the path, the other side or a forged packet ended it, or left a gap in it. `tampered`:
   * bytes arrived that the other side did not send.
   */
  readonly failed: (how: 'died' | 'tampered') => void
}

export class Carrier {
  readonly #udx: UdxStream
  readonly #sealer: FrameSealer
  readonly #opener: FrameOpener
  #events: CarrierEvents | undefined
  readonly #proof: Proof
  #timer: NodeJS.Timeout | undefined

  /** `udx` must be connected. */
  constructor(udx: UdxStream, keys: StreamKeys, events: CarrierEvents) {
    this.#udx = udx
    this.#sealer = new FrameSealer(keys.send)
    this.#opener = new FrameOpener(keys.receive, (...frame) => this.#take(...frame))
    this.#events = events
    this.#proof = new Proof({
      send: (plaintext) => this.#udx.write(this.#sealer.seal([plaintext])),
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

  /** Round trip in milliseconds, as udx measures it; 0 before the first measurement. */
  get roundTripMs(): number {
    return this.#udx.rtt
  }

  /** Sends frames. Returns false if the carrier is full; `drained` is called when it accepts more. */
  send(...plaintexts: readonly Uint8Array[]): boolean {
    this.#proof.sent()
    return this.#udx.write(this.#sealer.seal(plaintexts))
  }

  /** Ends the carrier when neither side sends more. Frames that were sent still arrive. */
  end(): void {
    this.#proof.end()
  }

  /**
   * Switches to another path. Fails as `died` if data sent over the old path is not acknowledged within MOVE_MS, or if
   * the path changes again before that.
   */
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

  /** Ends the udx stream after the other side got everything, and waits END_MS for the acknowledgement of its end. */
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
