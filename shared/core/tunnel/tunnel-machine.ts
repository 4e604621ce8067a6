/**
 * The peer's side of one tunnel, on a socket of its own. The README in this folder describes its life cycle and the
 * reasons for its times.
 *
 * It joins the parts: `Arrivals` sorts what comes, `Traversal` finds paths, those of `path-parts.ts` prove them and
 * choose one, `Streams` agrees on streams, `Lifetime` says when it is over. The application's datagrams are sent
 * immediately on the path in use. If there is none, some of them wait.
 *
 * The offering side may join the HANDSHAKE before the other side has decided. It sends the other side nothing until it
 * has the keys.
 */
import { hash256 } from '../../crypto/hash.ts'
import { Random } from '../../crypto/random.ts'
import type { Batch } from '../../wire/batch.ts'
import { utf8Length } from '../../wire/frames.ts'
import { CLOSE_REASON, type Control, MAX_PAYLOAD_BYTES, STREAM_KEY_BYTES } from '../../wire/tunnel.ts'
import type { Machine } from '../machine.ts'
import { Queue } from '../session/queue.ts'
import { Arrivals } from './arrivals.ts'
import type {
  TunnelCounters,
  TunnelEffect,
  TunnelEnd,
  TunnelInput,
  TunnelKept,
  TunnelOptions,
  TunnelStatus,
} from './events.ts'
import { Lifetime } from './lifetime.ts'
import { Packets } from './packets.ts'
import { type PathParts, pathParts } from './path-parts.ts'
import { Progress } from './progress.ts'
import { Renewal } from './renewal.ts'
import { Streams } from './streams.ts'
import { Traversal } from './traversal.ts'
import { Waiting } from './waiting.ts'

/** CLOSE is not acknowledged, so it is sent several times. */
const CLOSE_REPEATS = 3
const MAX_NAME_BYTES = 255

export class TunnelMachine implements Machine<TunnelInput, TunnelEffect> {
  readonly counters: TunnelCounters = { unknown: 0, unopened: 0, unwanted: 0, dropped: 0, oversized: 0 }
  readonly #outbox = new Queue<TunnelEffect>()
  readonly #lifetime = new Lifetime()
  readonly #packets: Packets
  readonly #renewal: Renewal
  readonly #paths: PathParts
  readonly #traversal: Traversal
  readonly #streams = new Streams(this.#outbox)
  readonly #waiting = new Waiting(this.counters)
  readonly #progress: Progress
  readonly #arrivals: Arrivals
  #ended = false

  constructor(options: TunnelOptions) {
    const { keys, mixing = 'not-there', terms, seed, now, since = now } = options
    const [lifetime, outbox, streams] = [this.#lifetime, this.#outbox, this.#streams]
    if (keys !== undefined) lifetime.begin(now)
    const packets = new Packets(keys, terms.clear)
    const paths = pathParts(packets, terms.paths !== 'relay-only', new Random(hash256(seed, 'probe ids')))
    const renewal = new Renewal(packets, new Random(hash256(seed, 'renewal')), paths.sender, outbox)
    if (keys !== undefined) renewal.agree(keys, mixing, now)
    const traversal = new Traversal(options, paths, lifetime, outbox, new Random(seed))
    const progress = new Progress(since, paths.choice, lifetime, outbox)
    const receivers = { packets, renewal, paths, traversal, streams, progress, lifetime, outbox }
    this.#packets = packets
    this.#renewal = renewal
    this.#paths = paths
    this.#traversal = traversal
    this.#progress = progress
    this.#arrivals = new Arrivals(receivers, this.counters)
  }

  get status(): TunnelStatus {
    const { effort } = this.#paths.targets
    const { security } = this.#renewal
    return { ...this.#progress.status(this.#traversal.whyNotDirect), effort, security }
  }

  /** The size of everything that it stores because of other parties. Each is bounded, whatever they send. */
  get kept(): TunnelKept {
    const { book, probes } = this.#paths
    const waiting = this.#waiting.size + this.#arrivals.waiting
    return { paths: book.size, probes: probes.size, streams: this.#streams.kept, waiting }
  }

  receive(arrived: Batch, out: Batch, now: number): void {
    const from = out.count
    this.#arrivals.take(arrived, out, now)
    this.#work(out, from, now)
  }

  handle(input: TunnelInput, out: Batch, now: number): void {
    if (this.#ended) return
    const from = out.count
    if (input.kind === 'send') {
      this.#send(input.bytes, out, now)
      this.#paths.relays.sent(out, from, now)
      return
    }
    this.#handle(input, out, now)
    this.#work(out, from, now)
  }

  tick(out: Batch, now: number): void {
    this.#work(out, out.count, now)
  }

  deadline(): number {
    if (this.#ended) return Number.POSITIVE_INFINITY
    return Math.min(
      this.#paths.prover.deadline(),
      this.#traversal.deadline(),
      this.#streams.deadline(),
      this.#renewal.deadline(),
      this.#lifetime.deadline(),
    )
  }

  poll(): TunnelEffect | undefined {
    return this.#outbox.take()
  }

  #send(bytes: Uint8Array, out: Batch, now: number): void {
    if (bytes.length > MAX_PAYLOAD_BYTES) this.counters.oversized++
    else if (!this.#paths.sender.send(bytes, out, now)) this.#waiting.keep(bytes)
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
        this.#lifetime.present()
        this.#traversal.rejoin(input.direction, out, now)
        break
      case 'otherPresent':
        this.#lifetime.present()
        if (this.#isCutOff) this.#traversal.seek(now)
        break
      case 'otherAbsent':
        this.#lifetime.absent(now)
        break
      case 'otherForgot':
        if (this.#packets.agreed && this.#paths.choice.active === undefined)
          this.#end('unreachable', out, now)
        break
      case 'candidates':
        this.#traversal.setCandidates(input.candidates, now)
        break
      case 'networkChanged':
      case 'udp':
        this.#traversal.elsewhere(input, out, now)
        break
      case 'sockets':
        this.#traversal.sockets.opened(input.ports, input.alone)
        break
      case 'close':
        this.#sayClose(out, now)
        this.#lifetime.end('closed')
    }
  }

  /** True if both sides have agreed, but there is no path. */
  get #isCutOff(): boolean {
    return this.#packets.agreed && this.#paths.choice.active === undefined
  }

  #agree(agreed: Extract<TunnelInput, { kind: 'agreed' }>, out: Batch, now: number): void {
    if (this.#packets.agreed) return
    this.#lifetime.begin(now)
    this.#packets.agree(agreed.keys, agreed.terms.clear)
    this.#renewal.agree(agreed.keys, agreed.mixing, now)
    this.#traversal.agree(agreed, now)
    this.#arrivals.takeEarly(out, now)
  }

  #openStream({ stream, key, name }: Extract<TunnelInput, { kind: 'openStream' }>, now: number): void {
    const valid = key.length === STREAM_KEY_BYTES && utf8Length(name) <= MAX_NAME_BYTES
    if (valid) this.#streams.open(stream, key, name, now)
    else this.#outbox.put({ kind: 'streamRefused', stream })
  }

  /** Lets each part do what is due. */
  #work(out: Batch, from: number, now: number): void {
    if (this.#ended) return
    if (!this.#lifetime.isOver) this.#tickParts(out, now)
    const end = this.#lifetime.endedBy(now)
    if (end !== undefined) this.#end(end, out, now)
    this.#paths.relays.sent(out, from, now)
  }

  #tickParts(out: Batch, now: number): void {
    const { prover, sender } = this.#paths
    prover.tick(out, now)
    this.#traversal.tick(out, now)
    const send = (control: Control) => void sender.sendControl(control, out, now)
    this.#streams.tick(send, now)
    this.#renewal.tick(send, now)
    this.#progress.show(this.#traversal.whyNotDirect, now)
    this.#waiting.sendOn(sender, out, now)
  }

  #sayClose(out: Batch, now: number): void {
    const close: Control = { kind: 'close', reason: CLOSE_REASON.closed }
    for (let i = 0; i < CLOSE_REPEATS; i++) this.#paths.sender.sendControl(close, out, now)
  }

  #end(end: TunnelEnd, out: Batch, now: number): void {
    this.#ended = true
    const isDirect = this.#paths.choice.active?.kind === 'direct'
    this.#traversal.leave(out, now)
    const whyNotDirect = isDirect ? {} : { whyNotDirect: this.#traversal.whyNotDirect }
    this.#outbox.put({ kind: 'closed', end, ...whyNotDirect })
  }
}
