/**
 * The socket of a peer's session with its CHECKPOINT. It uses UDP, or the gateway if the network drops UDP; the way
 * decides (shared/core/peer/way.ts). Keep-alives through the gateway are rare, because each one costs money. The
 * keep-alives that probe UDP are sent from here.
 */
import type { LinkEvents } from '../../shared/client/gateway-link.ts'
import { AskedNodes } from '../../shared/core/peer/asked-nodes.ts'
import { Way, type WayKind } from '../../shared/core/peer/way.ts'
import { now } from '../../shared/drive/clock.ts'
import { ADDRESS_WORDS } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { KIND } from '../../shared/wire/numbers.ts'
import { SHORT_BYTES } from '../../shared/wire/session.ts'
import type { Carrier } from './carrier.ts'
import { DualSocket, type Receive } from './dual-socket.ts'

export interface HomeSocketOptions {
  readonly receive: Receive
  /** False if UDP must never be used. */
  readonly udp: boolean
  /** Makes the carrier through the gateway. */
  readonly carry: (receive: Receive, events: LinkEvents) => Carrier
  /** True if a node has this address. A datagram from any other address does not show that UDP works. */
  readonly isNode: (words: Uint32Array) => boolean
  /** Called when the node is asked at another UDP port: its own one may be blocked. The owner must then send something. */
  readonly onPort: () => void
  /** Called with undefined when UDP to CHECKPOINTs works again, or with the time since when it has been dropped. */
  readonly onCarried: (since: number | undefined) => void
  /** Called when the node sees this peer at another address. The owner must then send something. */
  readonly onMoved: () => void
}

export class HomeSocket {
  readonly #options: HomeSocketOptions
  readonly #udp: DualSocket | undefined
  readonly #way: Way
  readonly #asked = new AskedNodes()
  /** A keep-alive of the current session. Such a packet never moves the session, whatever address it comes from. */
  readonly #keepAlive = new Batch(1)
  #probe: NodeJS.Timeout | undefined
  /** Carrier through the gateway, while the way is not UDP. */
  #carrier: Carrier | undefined

  constructor(options: HomeSocketOptions) {
    this.#options = options
    this.#way = new Way(options.udp)
    if (options.udp) this.#udp = new DualSocket((bytes, words) => this.#arrived('udp', bytes, words))
    else this.#carry()
  }

  /** True if UDP to CHECKPOINTs is known to be dropped, or is not wanted. */
  get isCarried(): boolean {
    return this.#way.kind === 'carried'
  }

  send(batch: Batch, i: number): void {
    const at = now()
    this.#change(() => this.#way.sent(at))
    this.#remember(batch, i)
    this.#asked.add(batch.address, i * ADDRESS_WORDS)
    this.#carrier?.send(batch.address, i * ADDRESS_WORDS, batch.at(i))
    this.#udp?.sendTo(this.#way.ports(at), batch, i)
  }

  networkChanged(): void {
    this.#way.networkChanged()
    this.#awaitProbe()
  }

  async close(): Promise<void> {
    clearTimeout(this.#probe)
    this.#carrier?.close()
    await this.#udp?.close()
  }

  /** Makes the keep-alive from a packet of the session: sealed packets begin with the same bytes as keep-alives. */
  #remember(batch: Batch, i: number): void {
    const bytes = batch.at(i)
    if (bytes[1] !== KIND.SEALED && bytes[1] !== KIND.KEEP_ALIVE) return
    this.#keepAlive.clear()
    this.#keepAlive.push(bytes.subarray(0, SHORT_BYTES), batch.address, i * ADDRESS_WORDS)
    this.#keepAlive.bytes[1] = KIND.KEEP_ALIVE
  }

  #awaitProbe(): void {
    clearTimeout(this.#probe)
    const { probeAt } = this.#way
    if (probeAt === Number.POSITIVE_INFINITY) return
    this.#probe = setTimeout(() => this.#tryUdp(), Math.max(probeAt - now(), 0)).unref()
  }

  #tryUdp(): void {
    this.#way.probed(now())
    if (this.#keepAlive.count > 0) this.#udp?.sendTo(this.#way.probePorts(), this.#keepAlive, 0)
    this.#awaitProbe()
  }

  #arrived(by: 'udp' | 'gateway', bytes: Uint8Array, words: Uint32Array): void {
    const node = this.#asked.nodeAt(words)
    const { port } = this.#way
    if (by === 'gateway') this.#change(() => this.#way.heard(by, now()))
    else if (this.#options.isNode(node.words)) this.#change(() => this.#way.heard(by, now(), node.port))
    this.#options.receive(bytes, node.words)
    if (this.#way.port !== port) this.#options.onPort()
  }

  #change(step: () => void): void {
    const before = this.#way.kind
    step()
    if (this.#way.kind !== before) this.#changed(before)
  }

  #changed(before: WayKind): void {
    if (this.#way.kind === 'udp') this.#uncarry()
    else this.#carry()
    this.#awaitProbe()
    const wasCarried = before === 'carried'
    if (wasCarried !== this.isCarried)
      this.#options.onCarried(this.isCarried ? this.#way.doubtedAt : undefined)
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
