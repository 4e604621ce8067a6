/**
 * The socket of a peer's session with its CHECKPOINT: UDP, or the gateway where a network drops that, as the way says
 * (shared/core/peer/way.ts). While the gateway is asked and not there yet, both are sent to.
 */
import { Way, type WayKind } from '../../shared/core/peer/way.ts'
import { ADDRESS_WORDS } from '../../shared/wire/address.ts'
import type { Batch } from '../../shared/wire/batch.ts'
import { KIND } from '../../shared/wire/numbers.ts'
import { now } from '../clock.ts'
import type { Carrier } from './carrier.ts'
import { DualSocket, type Receive } from './dual-socket.ts'
import type { LinkEvents } from './gateway-link.ts'

export interface HomeSocketOptions {
  readonly receive: Receive
  /** False: UDP is never used. */
  readonly udp: boolean
  /** Through the gateway. */
  readonly carry: (receive: Receive, events: LinkEvents) => Carrier
  /** Whether a node is at that address: what others send shows nothing. */
  readonly isNode: (words: Uint32Array) => boolean
  /** Whether the gateway can be sent to. */
  readonly isGatewayOpen: () => boolean
  /** UDP is dropped here from now on, or works. */
  readonly onBlocked: (blocked: boolean) => void
  /** From now on the node sees us elsewhere: say something. */
  readonly onMoved: () => void
}

export class HomeSocket {
  readonly #options: HomeSocketOptions
  readonly #udp: DualSocket | undefined
  readonly #way: Way
  /** While the way is not UDP. */
  #carrier: Carrier | undefined

  constructor(options: HomeSocketOptions) {
    this.#options = options
    this.#way = new Way(options.udp)
    if (options.udp) this.#udp = new DualSocket((bytes, words) => this.#arrived('udp', bytes, words))
    else this.#carry()
  }

  /** UDP is known to be dropped here, or not wanted. */
  get isBlocked(): boolean {
    return this.#way.kind === 'carried'
  }

  send(batch: Batch, i: number): void {
    const at = now()
    this.#change(() => this.#way.sent(at))
    if (this.#way.kind !== 'udp') this.#carrier?.send(batch.address, i * ADDRESS_WORDS, batch.at(i))
    if (this.#isForUdp(batch, i, at)) this.#udp?.send(batch, i)
  }

  networkChanged(): void {
    this.#way.networkChanged()
  }

  async close(): Promise<void> {
    this.#carrier?.close()
    await this.#udp?.close()
  }

  #isForUdp(batch: Batch, i: number, at: number): boolean {
    if (this.#way.kind === 'carried') return isKeepAlive(batch, i) && this.#way.probe(at)
    return this.#way.kind === 'udp' || !this.#options.isGatewayOpen()
  }

  #arrived(by: 'udp' | 'gateway', bytes: Uint8Array, words: Uint32Array): void {
    if (by === 'gateway' || this.#options.isNode(words)) this.#change(() => this.#way.heard(by, now()))
    this.#options.receive(bytes, words)
  }

  #change(step: () => void): void {
    const before = this.#way.kind
    step()
    if (this.#way.kind !== before) this.#changed(before)
  }

  #changed(before: WayKind): void {
    if (this.#way.kind === 'udp') this.#uncarry()
    else this.#carry()
    const wasBlocked = before === 'carried'
    if (wasBlocked !== this.isBlocked) this.#options.onBlocked(this.isBlocked)
  }

  #carry(): void {
    const arrived: Receive = (bytes, words) => this.#arrived('gateway', bytes, words)
    const failed = () => this.#change(() => this.#way.gatewayFailed())
    this.#carrier ??= this.#options.carry(arrived, { failed, reopened: this.#options.onMoved })
  }

  #uncarry(): void {
    this.#carrier?.close()
    this.#carrier = undefined
  }
}

/** It never moves a session, wherever it comes from. */
const isKeepAlive = (batch: Batch, i: number): boolean => batch.bytes[batch.start(i) + 1] === KIND.KEEP_ALIVE
