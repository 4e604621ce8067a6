/**
 * The peer's side of one tunnel, on a socket of its own. The README in this folder describes its life cycle and the
 * reasons for its times.
 *
 * It joins the parts: `Traversal` finds paths, those of `path-parts.ts` prove them and choose one, `Streams` agrees on
 * streams. The application's datagrams are sent immediately on the path in use. If there is none, up to MAX_WAITING of them are queued.
 *
 * The offering side may join the HANDSHAKE before the other side has decided. It sends the other side nothing until it
 * has the keys. The other side has them earlier, so packets that come from it are queued meanwhile.
 */
import { hash256 } from '../../crypto/hash.ts'
import { Random } from '../../crypto/random.ts'
import { ADDRESS_WORDS } from '../../wire/address.ts'
import { Batch } from '../../wire/batch.ts'
import { utf8Length } from '../../wire/frames.ts'
import { TUNNEL } from '../../wire/numbers.ts'
import {
  CLOSE_REASON,
  type Control,
  isTunnelPacket,
  MAX_PAYLOAD_BYTES,
  STREAM_KEY_BYTES,
} from '../../wire/tunnel.ts'
import type { Machine } from '../machine.ts'
import { Queue } from '../session/queue.ts'
import type { TunnelEffect, TunnelEnd, TunnelInput, TunnelOptions, TunnelStatus } from './events.ts'
import { Packets } from './packets.ts'
import type { Path } from './path.ts'
import { type PathParts, pathParts } from './path-parts.ts'
import { Progress } from './progress.ts'
import { Streams } from './streams.ts'
import { Traversal, type TraversalEvent } from './traversal.ts'

/** Datagrams queued while there is no path; beyond that the oldest is dropped. */
const MAX_WAITING = 64
/** Packets of the other side queued until the keys are there; the other side retransmits them. */
const MAX_EARLY = 16
/** A tunnel without any path for this long ends: the other side is gone. */
export const GIVE_UP_MS = 60_000
/**
 * A tunnel without a path ends this long after the notice that the other side is at no CHECKPOINT. A peer that changes
 * its network, or whose node died, has signed in again by then.
 */
const ABSENT_MS = 15_000
/** Time to wait for packets that the other side sent before it closed. */
const LAST_WORDS_MS = 500
/** CLOSE is not acknowledged, so it is sent several times. */
const CLOSE_REPEATS = 3
const MAX_NAME_BYTES = 255
const never = Number.POSITIVE_INFINITY

export interface TunnelCounters {
  /** Datagrams that belong neither to this tunnel nor to its HANDSHAKE, relays or STUN servers. */
  unknown: number
  /** Packets that could not be opened: forged, damaged, too old or duplicates. */
  unopened: number
  /** Packets from an address that is not accepted: the tunnel is relay-only, or the path table is full. */
  unwanted: number
  /** Datagrams dropped from a full queue while there was no path or no key. */
  dropped: number
  oversized: number
}

export interface TunnelKept {
  readonly paths: number
  readonly probes: number
  /** Streams that this side is opening, and remembered answers to streams of the other side. */
  readonly streams: number
  /** Datagrams queued for a path or for the keys. */
  readonly waiting: number
}

export class TunnelMachine implements Machine<TunnelInput, TunnelEffect> {
  readonly counters: TunnelCounters = { unknown: 0, unopened: 0, unwanted: 0, dropped: 0, oversized: 0 }
  readonly #progress: Progress
  readonly #packets: Packets
  readonly #paths: PathParts
  readonly #traversal: Traversal
  readonly #streams = new Streams()
  readonly #effects = new Queue<TunnelEffect>()
  #waiting: Uint8Array[] = []
  /** Packets that came before the keys. */
  #early: Batch | undefined
  /** Time since which there is no path and nothing was received; Infinity otherwise. */
  #silentSince: number
  /** Time since which the other side is known to be at no CHECKPOINT; Infinity while it may be at one. */
  #absentSince = never
  /**
   * The HANDSHAKE reports that the other side has closed: time at which this side ends too, as earlier packets may
   * still arrive.
   */
  #closedAt = never
  #ended = false

  constructor(options: TunnelOptions) {
    const { keys, terms } = options
    this.#progress = new Progress(options.since ?? options.now)
    this.#silentSince = keys === undefined ? never : options.now
    this.#packets = new Packets(keys, terms.clear)
    const probeIds = new Random(hash256(options.seed, 'probe ids'))
    this.#paths = pathParts(this.#packets, terms.paths !== 'relay-only', probeIds)
    this.#traversal = new Traversal(options, this.#paths, new Random(options.seed))
  }

  get status(): TunnelStatus {
    const { whyNotDirect, effort } = this.#traversal
    return { ...this.#progress.status(this.#paths.choice.active, whyNotDirect), effort }
  }

  /** The size of everything that it stores because of other parties. Each is bounded, whatever they send. */
  get kept(): TunnelKept {
    const waiting = this.#waiting.length + (this.#early?.count ?? 0)
    const { book, probes } = this.#paths
    return { paths: book.size, probes: probes.size, streams: this.#streams.kept, waiting }
  }

  receive(arrived: Batch, out: Batch, now: number): void {
    const from = out.count
    for (let i = 0; i < arrived.count && !this.#ended; i++) this.#take(arrived, i, out, now)
    this.#work(out, from, now)
  }

  handle(input: TunnelInput, out: Batch, now: number): void {
    if (this.#ended) return
    const from = out.count
    if (input.kind === 'send') {
      this.#send(input.bytes, out, now)
      this.#traversal.sent(out, from, now)
      return
    }
    this.#handle(input, out, now)
    this.#work(out, from, now)
  }

  tick(out: Batch, now: number): void {
    this.#work(out, out.count, now)
  }

  deadline(): number {
    if (this.#ended) return never
    const endAt = Math.min(this.#givenUpAt, this.#closedAt)
    return Math.min(
      this.#paths.prover.deadline(),
      this.#traversal.deadline(),
      this.#streams.deadline(),
      endAt,
    )
  }

  poll(): TunnelEffect | undefined {
    return this.#effects.take()
  }

  /** Time at which the tunnel ends unless a path is found or a packet arrives. */
  get #givenUpAt(): number {
    const goneAt = Math.max(this.#silentSince, this.#absentSince) + ABSENT_MS
    return Math.min(this.#silentSince + GIVE_UP_MS, goneAt)
  }

  #send(bytes: Uint8Array, out: Batch, now: number): void {
    if (bytes.length > MAX_PAYLOAD_BYTES) this.counters.oversized++
    else if (!this.#paths.sender.send(bytes, out, now)) this.#keep(bytes)
  }

  #keep(bytes: Uint8Array): void {
    this.#waiting.push(bytes.slice())
    if (this.#waiting.length <= MAX_WAITING) return
    this.#waiting.shift()
    this.counters.dropped++
  }

  #handle(input: Exclude<TunnelInput, { kind: 'send' }>, out: Batch, now: number): void {
    switch (input.kind) {
      case 'approach':
        this.#traversal.approach(input.direction, now)
        break
      case 'agreed':
        this.#agree(input, out, now)
        break
      case 'openStream':
        this.#openStream(input, now)
        break
      case 'acceptStream':
        this.#streams.answer({ kind: 'streamAccept', stream: input.stream, accepter: input.accepter })
        break
      case 'refuseStream':
        this.#streams.answer({ ...input, kind: 'streamRefuse' })
        break
      case 'streaming':
        this.#paths.sender.streaming = input.active
        break
      case 'rejoin':
        this.#absentSince = never
        this.#traversal.rejoin(input.direction, out, now)
        break
      case 'otherPresent':
        this.#absentSince = never
        if (this.#packets.agreed && this.#paths.choice.active === undefined) this.#traversal.seek(now)
        break
      case 'otherAbsent':
        this.#absentSince = Math.min(this.#absentSince, now)
        break
      case 'otherForgot':
        if (this.#packets.agreed && this.#paths.choice.active === undefined)
          this.#end('unreachable', out, now)
        break
      case 'candidates':
        this.#traversal.setCandidates(input.candidates, now)
        break
      case 'networkChanged':
        this.#traversal.networkChanged(input.candidates, out, now)
        break
      case 'udp':
        this.#traversal.setUdp(input.blocked, out, now)
        break
      case 'sockets':
        this.#traversal.sockets.opened(input.ports, input.alone)
        break
      case 'close':
        this.#sayClose(out, now)
        this.#end('closed', out, now)
    }
  }

  #agree(
    { keys, direction, expected, terms }: Extract<TunnelInput, { kind: 'agreed' }>,
    out: Batch,
    now: number,
  ): void {
    if (this.#packets.agreed) return
    this.#silentSince = now
    this.#packets.agree(keys, terms.clear)
    this.#traversal.agree({ keys, direction, expected }, now)
    const early = this.#early
    this.#early = undefined
    for (let i = 0; early !== undefined && i < early.count; i++) this.#take(early, i, out, now)
  }

  #openStream({ stream, key, name }: Extract<TunnelInput, { kind: 'openStream' }>, now: number): void {
    const valid = key.length === STREAM_KEY_BYTES && utf8Length(name) <= MAX_NAME_BYTES
    if (valid) this.#streams.open(stream, key, name, now)
    else this.#effects.put({ kind: 'streamRefused', stream })
  }

  #take(arrived: Batch, i: number, out: Batch, now: number): void {
    if (!this.#traversal.sockets.isOpen(arrived.socket[i]!)) return
    if (arrived.length[i] === 0 || this.#traversal.take(arrived, i, out, now)) return
    if (!isTunnelPacket(arrived.bytes[arrived.start(i)]!)) this.counters.unknown++
    else if (!this.#packets.agreed) this.#keepEarly(arrived, i)
    else if (!this.#packets.open(arrived, i)) this.counters.unopened++
    else this.#onPacket(arrived, i, out, now)
  }

  #keepEarly(arrived: Batch, i: number): void {
    this.#early ??= new Batch(MAX_EARLY)
    if (this.#early.count === MAX_EARLY) this.counters.dropped++
    else this.#early.push(arrived.at(i), arrived.address, i * ADDRESS_WORDS, arrived.socket[i])
  }

  #onPacket(arrived: Batch, i: number, out: Batch, now: number): void {
    const { bodyAt, bodyLength, newest } = this.#packets
    const from = i * ADDRESS_WORDS
    const packet = { newest, bytes: arrived.length[i]! }
    const path = this.#paths.prover.heard(arrived.address, from, arrived.socket[i]!, packet, out, now)
    if (path === undefined) {
      this.counters.unwanted++
      return
    }
    this.#progress.heard(now)
    this.#silentSince = never
    this.#absentSince = never
    this.#closedAt = never
    if (arrived.bytes[arrived.start(i)] === TUNNEL.CONTROL) {
      for (const control of this.#packets.controls(arrived))
        this.#onControl(control, path, packet.bytes, out, now)
      return
    }
    path.otherHere = true
    const bytes = arrived.bytes.slice(bodyAt, bodyAt + bodyLength)
    this.#effects.put({ kind: 'datagram', bytes, from: { words: path.words } })
  }

  #onControl(control: Control, path: Path, bytes: number, out: Batch, now: number): void {
    if (this.#ended) return
    switch (control.kind) {
      case 'probe':
        this.#paths.prover.onProbe(path, control, out, now)
        break
      case 'probeAck':
        this.#paths.prover.onAck(path, control, out, now)
        break
      case 'probeBack':
        this.#paths.prover.onAck(path, { ...control, kind: 'probeAck', id: control.answers }, out, now)
        this.#paths.prover.onProbe(path, { ...control, kind: 'probe' }, out, now)
        break
      case 'close':
        this.#end('closedByOther', out, now)
        break
      case 'move':
        this.#traversal.onMove(control.address, bytes, out, now)
        break
      default:
        this.#streams.take(control)
    }
  }

  /** Lets each part do what is due, and passes events between the parts. */
  #work(out: Batch, from: number, now: number): void {
    if (this.#ended) return
    this.#paths.prover.tick(out, now)
    this.#traversal.tick(out, now)
    this.#streams.tick((control) => void this.#paths.sender.sendControl(control, out, now), now)
    this.#passSockets()
    this.#showPath(now)
    this.#flushWaiting(out, now)
    this.#passEvents(out, now)
    if (now >= this.#closedAt) this.#end('closedByOther', out, now)
    if (now >= this.#givenUpAt) this.#end('unreachable', out, now)
    this.#traversal.sent(out, from, now)
  }

  #passSockets(): void {
    const { sockets } = this.#traversal
    for (let effect = sockets.effect(); effect !== undefined; effect = sockets.effect())
      this.#effects.put(effect)
  }

  #showPath(now: number): void {
    const effect = this.#progress.show(this.#paths.choice.active, this.#traversal.whyNotDirect, now)
    if (effect === undefined) return
    this.#effects.put(effect)
    if (effect.kind === 'interrupted') this.#silentSince = Math.min(this.#silentSince, now)
  }

  #flushWaiting(out: Batch, now: number): void {
    if (this.#waiting.length === 0 || this.#paths.choice.active === undefined) return
    for (const bytes of this.#waiting) this.#paths.sender.send(bytes, out, now)
    this.#waiting = []
  }

  #passEvents(out: Batch, now: number): void {
    const nat = this.#traversal.natClass()
    if (nat !== undefined) this.#effects.put({ kind: 'surveyed', nat })
    if (this.#traversal.wantsPort(now)) this.#effects.put({ kind: 'mapPort' })
    for (let event = this.#streams.event(); event !== undefined; event = this.#streams.event())
      this.#effects.put(event)
    for (let event = this.#traversal.event(); event !== undefined; event = this.#traversal.event())
      this.#passEvent(event, out, now)
  }

  /**
   * Passes an event on. On a path that works, the other side sends CLOSE itself, so its CLOSE at the HANDSHAKE is
   * ignored.
   */
  #passEvent(event: TraversalEvent, out: Batch, now: number): void {
    if (event === 'rejoin' || event === 'released') this.#effects.put({ kind: event })
    else if (event === 'noDirectPath' || this.#paths.choice.active === undefined) this.#end(event, out, now)
    else if (this.#silentSince !== never) this.#closedAt = now + LAST_WORDS_MS
  }

  #sayClose(out: Batch, now: number): void {
    const close: Control = { kind: 'close', reason: CLOSE_REASON.closed }
    for (let i = 0; i < CLOSE_REPEATS; i++) this.#paths.sender.sendControl(close, out, now)
  }

  #end(end: TunnelEnd, out: Batch, now: number): void {
    if (this.#ended) return
    this.#ended = true
    const direct = this.#paths.choice.active?.kind === 'direct'
    this.#traversal.leave(out, now)
    this.#passSockets()
    this.#effects.put({
      kind: 'closed',
      end,
      ...(!direct && { whyNotDirect: this.#traversal.whyNotDirect }),
    })
  }
}
