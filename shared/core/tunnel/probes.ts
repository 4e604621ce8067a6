/** Sends the probes of a tunnel, answers those of the other side, and knows which are still unanswered. */

import { LIMITS } from '../../limits.ts'
import type { Batch } from '../../wire/batch.ts'
import { type Control, probeBodyBytes, SMALL_PROBE_BYTES } from '../../wire/tunnel.ts'
import type { Destination, Packets } from './packets.ts'
import { type Path, probeBytes } from './path.ts'

/** More than are on their way at once; a probe that is older counts as lost. */
const OUTSTANDING = 256
/** Of a probe whose answer is not waited for: the other side is heard, that is enough. */
const NO_ID = 0
const FULL_BODY_BYTES = probeBodyBytes(LIMITS.datagramBytes)

export type Probe = Extract<Control, { kind: 'probe' }>
export type ProbeAck = Extract<Control, { kind: 'probeAck' }>

export interface SentProbe {
  readonly id: number
  readonly path: Path
  readonly sentAt: number
  readonly bytes: number
}

export interface ProbeCounters {
  probes: number
  acknowledgements: number
  /** Not sent, because the address had proven nothing. */
  withheld: number
}

export class Probes {
  readonly counters: ProbeCounters = { probes: 0, acknowledgements: 0, withheld: 0 }
  readonly #packets: Packets
  readonly #sent = new Array<SentProbe | undefined>(OUTSTANDING)
  #next = 1

  constructor(packets: Packets) {
    this.#packets = packets
  }

  /**
   * `here`: this side sends its data there. With a TTL it only primes: nobody is asked. False where nothing may be sent
   * there any more.
   */
  send(path: Path, here: boolean, out: Batch, now: number, ttl = 0, bytes = probeBytes(path)): boolean {
    if (!this.#spend(path)) return false
    const id = this.#newId(path, bytes, now)
    if (ttl === 0) noteAsked(path, id, now)
    const probe: Probe = { kind: 'probe', id, here, bodyBytes: probeBodyBytes(bytes) }
    this.#packets.sendControl(out, path, probe, now, ttl)
    return true
  }

  strew(to: Destination, ttl: number, out: Batch, now: number): void {
    this.counters.probes++
    const bodyBytes = probeBodyBytes(SMALL_PROBE_BYTES)
    this.#packets.sendControl(out, to, { kind: 'probe', id: NO_ID, here: false, bodyBytes }, now, ttl)
  }

  /** Goes back the way the probe came, in its size, and asks the same where that is not known yet. `here`: as in `send`. */
  answer(path: Path, { id, bodyBytes }: Probe, here: boolean, out: Batch, now: number): void {
    if (!this.#spend(path)) return
    this.counters.acknowledgements++
    if (bodyBytes === FULL_BODY_BYTES && path.kind === 'direct' && path.state !== 'fit') {
      this.#askBack(path, id, here, out, now)
      return
    }
    const ack: ProbeAck = { kind: 'probeAck', id, observed: { words: path.words }, bodyBytes }
    this.#packets.sendControl(out, path, ack, now)
  }

  #askBack(path: Path, answers: number, here: boolean, out: Batch, now: number): void {
    const id = this.#newId(path, LIMITS.datagramBytes, now)
    noteAsked(path, id, now)
    const observed = { words: path.words }
    const back = { kind: 'probeBack', answers, observed, id, here, bodyBytes: FULL_BODY_BYTES } as const
    this.#packets.sendControl(out, path, back, now)
  }

  #newId(path: Path, bytes: number, now: number): number {
    const id = this.#next++ >>> 0
    this.#sent[id % OUTSTANDING] = { id, path, sentAt: now, bytes }
    this.counters.probes++
    return id
  }

  /** The probe that this answers, once; only an answer of its size from where it was sent counts. */
  settle(path: Path, { id, bodyBytes }: ProbeAck): SentProbe | undefined {
    const probe = this.#sent[id % OUTSTANDING]
    if (probe?.id !== id) return undefined
    this.#sent[id % OUTSTANDING] = undefined
    if (probe.path !== path || bodyBytes !== probeBodyBytes(probe.bytes)) return undefined
    path.loss.answered(id)
    return probe
  }

  #spend(path: Path): boolean {
    if (path.state !== 'candidate' || path.kind === 'relayed') return true
    if (path.credit <= 0) {
      this.counters.withheld++
      return false
    }
    path.credit--
    return true
  }
}

/** An answer is waited for. A repeat says nothing of the path's loss. */
function noteAsked(path: Path, id: number, now: number): void {
  if (path.state === 'fit' && path.unackedSince === Number.POSITIVE_INFINITY) path.loss.asked(id)
  path.probedAt = now
  path.unackedSince = Math.min(path.unackedSince, now)
}
