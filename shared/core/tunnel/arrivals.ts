/**
 * Sorts the datagrams that arrive at the sockets of a tunnel: those of a relay, a HANDSHAKE or a STUN server go to the
 * parts that wait for them. All others are packets of the other side, which are opened, and passed on by what is in
 * them.
 *
 * The other side has the keys earlier than an offering side. Its packets are kept until this side has them too.
 */
import { ADDRESS_WORDS } from '../../wire/address.ts'
import { Batch } from '../../wire/batch.ts'
import { TUNNEL } from '../../wire/numbers.ts'
import { type Control, isTunnelPacket, typeOf } from '../../wire/tunnel.ts'
import type { TunnelCounters } from './events.ts'
import type { Lifetime } from './lifetime.ts'
import type { Outbox } from './outbox.ts'
import type { Packets } from './packets.ts'
import type { Path } from './path.ts'
import type { PathParts } from './path-parts.ts'
import type { Progress } from './progress.ts'
import type { Renewal } from './renewal.ts'
import type { Streams } from './streams.ts'
import type { Traversal } from './traversal.ts'

/** Packets of the other side queued until the keys are there; the other side retransmits them. */
const MAX_EARLY = 16

/** The parts that datagrams are for. */
export interface Receivers {
  readonly packets: Packets
  readonly paths: Pick<PathParts, 'prover' | 'relays' | 'sender'>
  readonly renewal: Renewal
  readonly traversal: Traversal
  readonly streams: Streams
  readonly progress: Progress
  readonly lifetime: Lifetime
  readonly outbox: Outbox
}

export class Arrivals {
  readonly #to: Receivers
  readonly #counters: TunnelCounters
  /** Packets that came before the keys. */
  #early: Batch | undefined

  constructor(to: Receivers, counters: TunnelCounters) {
    this.#to = to
    this.#counters = counters
  }

  /** Number of packets that wait for the keys. */
  get waiting(): number {
    return this.#early?.count ?? 0
  }

  /** Takes datagrams in order, until one of them ends the tunnel. */
  take(arrived: Batch, out: Batch, now: number): void {
    for (let i = 0; i < arrived.count && !this.#to.lifetime.isOver; i++) this.#sort(arrived, i, out, now)
  }

  /** Takes what came before the keys. */
  takeEarly(out: Batch, now: number): void {
    const early = this.#early
    this.#early = undefined
    if (early !== undefined) this.take(early, out, now)
  }

  #sort(arrived: Batch, i: number, out: Batch, now: number): void {
    const { packets, paths, traversal } = this.#to
    if (arrived.length[i] === 0 || !traversal.sockets.isOpen(arrived.socket[i]!)) return
    if (paths.relays.take(arrived, i, out, now) === 'control') return
    if (traversal.take(arrived, i, now)) return
    if (!isTunnelPacket(arrived.bytes[arrived.start(i)]!)) this.#counters.unknown++
    else if (!packets.agreed) this.#keepEarly(arrived, i)
    else if (!packets.open(arrived, i)) this.#counters.unopened++
    else this.#onPacket(arrived, i, out, now)
  }

  #keepEarly(arrived: Batch, i: number): void {
    this.#early ??= new Batch(MAX_EARLY)
    if (this.#early.count === MAX_EARLY) this.#counters.dropped++
    else this.#early.push(arrived.at(i), arrived.address, i * ADDRESS_WORDS, arrived.socket[i])
  }

  #onPacket(arrived: Batch, i: number, out: Batch, now: number): void {
    const { packets, paths, progress, outbox } = this.#to
    const { bodyAt, bodyLength, newest } = packets
    const packet = { newest, bytes: arrived.length[i]! }
    const path = paths.prover.heard(arrived.address, i * ADDRESS_WORDS, arrived.socket[i]!, packet, out, now)
    if (path === undefined) {
      this.#counters.unwanted++
      return
    }
    progress.heard(now)
    if (typeOf(arrived.bytes[arrived.start(i)]!) === TUNNEL.CONTROL) {
      for (const control of packets.controls(arrived)) this.#onControl(control, path, packet.bytes, out, now)
      return
    }
    path.otherHere = true
    const bytes = arrived.bytes.slice(bodyAt, bodyAt + bodyLength)
    outbox.put({ kind: 'datagram', bytes, from: { words: path.words } })
  }

  #onControl(control: Control, path: Path, bytes: number, out: Batch, now: number): void {
    const { paths, traversal, streams, progress, lifetime, renewal } = this.#to
    if (lifetime.isOver) return
    switch (control.kind) {
      case 'probe':
        paths.prover.onProbe(path, control, out, now)
        break
      case 'probeAck':
        paths.prover.onAck(path, control, out, now)
        break
      case 'probeBack':
        paths.prover.onAck(path, { ...control, kind: 'probeAck', id: control.answers }, out, now)
        paths.prover.onProbe(path, { ...control, kind: 'probe' }, out, now)
        break
      case 'close':
        lifetime.end('closedByOther')
        break
      case 'move':
        traversal.onMove(control.address, bytes, out, now)
        break
      case 'rekey':
      case 'rekeyed':
        renewal.take(control, (said) => void paths.sender.sendControl(said, out, now), now)
        break
      default:
        // The application knows the path before the stream that uses it.
        progress.show(traversal.whyNotDirect, now)
        streams.take(control)
    }
  }
}
