/** Sends the probes of a tunnel, answers those of the other side, and keeps track of the unanswered ones. */
import type { Random } from '../../crypto/random.ts'
import { LIMITS } from '../../limits.ts'
import type { Batch } from '../../wire/batch.ts'
import { type Control, probeBodyBytes, probePacketBytes, SMALL_PROBE_BYTES } from '../../wire/tunnel.ts'
import type { Destination, Packets } from './packets.ts'
import { isValidated, type Path, probeBytes } from './path.ts'

/** More probes than are ever on their way at the same time; the oldest beyond that counts as lost. */
const OUTSTANDING = 256
/** The id of probes sent by `strew`: an answer to them proves nothing, as the other side's own packets do. */
const NO_ID = 0n
const FULL_BODY_BYTES = probeBodyBytes(LIMITS.datagramBytes)

export type Probe = Extract<Control, { kind: 'probe' }>
export type ProbeAck = Extract<Control, { kind: 'probeAck' }>

export interface SentProbe {
  /** Number of the probe within the tunnel, from 1. */
  readonly number: number
  readonly path: Path
  readonly sentAt: number
  readonly bytes: number
}

export interface ProbeCounters {
  probes: number
  acknowledgements: number
  /** Packets not sent because the address is not validated and has no credit left. */
  withheld: number
}

export class Probes {
  readonly counters: ProbeCounters = { probes: 0, acknowledgements: 0, withheld: 0 }
  readonly #packets: Packets
  readonly #random: Random
  /** Probes by id, oldest first. Ids are random: only a receiver of the probe can answer it. */
  readonly #sent = new Map<bigint, SentProbe>()
  #number = 0

  constructor(packets: Packets, random: Random) {
    this.#packets = packets
    this.#random = random
  }

  /** Number of unanswered probes. */
  get size(): number {
    return this.#sent.size
  }

  /**
   * Sends a probe. `here`: this side sends its data on this path. With a TTL the probe only primes the NAT and no
   * answer is expected. False if the address has no credit left.
   */
  send(path: Path, here: boolean, out: Batch, now: number, ttl = 0, bytes = probeBytes(path)): boolean {
    if (!this.#spend(path, bytes)) return false
    const { id, number } = this.#remember(path, bytes, now)
    if (ttl === 0) noteAsked(path, number, now)
    const probe: Probe = { kind: 'probe', id, here, bodyBytes: probeBodyBytes(bytes) }
    this.#packets.sendControl(out, path, probe, now, ttl)
    return true
  }

  strew(to: Destination, ttl: number, out: Batch, now: number): void {
    this.counters.probes++
    const bodyBytes = probeBodyBytes(SMALL_PROBE_BYTES)
    this.#packets.sendControl(out, to, { kind: 'probe', id: NO_ID, here: false, bodyBytes }, now, ttl)
  }

  /**
   * Answers a probe on the same path and in the same size. If the probe was full-sized and the direct path is not fit
   * yet, the answer is a probe too. `here`: as in `send`.
   */
  answer(path: Path, { id, bodyBytes }: Probe, here: boolean, out: Batch, now: number): void {
    if (!this.#spend(path, probePacketBytes(bodyBytes))) return
    this.counters.acknowledgements++
    if (bodyBytes === FULL_BODY_BYTES && path.kind === 'direct' && path.state !== 'fit') {
      this.#askBack(path, id, here, out, now)
      return
    }
    const ack: ProbeAck = { kind: 'probeAck', id, observed: { words: path.words }, bodyBytes }
    this.#packets.sendControl(out, path, ack, now)
  }

  #askBack(path: Path, answers: bigint, here: boolean, out: Batch, now: number): void {
    const { id, number } = this.#remember(path, LIMITS.datagramBytes, now)
    noteAsked(path, number, now)
    const observed = { words: path.words }
    const back = { kind: 'probeBack', answers, observed, id, here, bodyBytes: FULL_BODY_BYTES } as const
    this.#packets.sendControl(out, path, back, now)
  }

  #remember(path: Path, bytes: number, now: number): { readonly id: bigint; readonly number: number } {
    const id = (BigInt(this.#random.u32()) << 32n) | BigInt(this.#random.u32())
    const number = ++this.#number
    this.#sent.set(id, { number, path, sentAt: now, bytes })
    if (this.#sent.size > OUTSTANDING) this.#sent.delete(this.#sent.keys().next().value!)
    this.counters.probes++
    return { id, number }
  }

  /** The probe that this answers. Undefined if it is unknown, came on another path, or has another size. */
  settle(path: Path, { id, bodyBytes }: ProbeAck): SentProbe | undefined {
    const probe = this.#sent.get(id)
    if (probe?.path !== path || bodyBytes !== probeBodyBytes(probe.bytes)) return undefined
    this.#sent.delete(id)
    path.loss.answered(probe.number)
    return probe
  }

  #spend(path: Path, bytes: number): boolean {
    if (isValidated(path) || path.credit.spend(bytes)) return true
    this.counters.withheld++
    return false
  }
}

/** Notes that an answer is expected. A repeated probe does not count in the loss of the path. */
function noteAsked(path: Path, number: number, now: number): void {
  if (path.state === 'fit' && path.unackedSince === Number.POSITIVE_INFINITY) path.loss.asked(number)
  path.probedAt = now
  path.unackedSince = Math.min(path.unackedSince, now)
}
