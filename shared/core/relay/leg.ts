/**
 * The peer's side of a relayed path: one leg at one relay.
 *
 *   binding     sends BIND, retransmitted after 250 ms, 500 ms, .. 2 s, each time with a greater stamp, until BOUND arrives
 *   confirming  sends CONFIRM with the token of BOUND, at the same intervals, until KEPT says that the address is proven
 *   bound       nothing to do while data flows. After 15 s without sending, or 2 s of sending without an answer: asking
 *   asking      sends KEEP every second. Anything received: bound. Three unanswered, or UNBOUND in answer: binding, as this
 *               side's address may have changed
 *   lost        six BINDs were unanswered: the relay is gone or refuses. Another grant is needed
 *   released    given up, because a direct path carries the data
 *
 * Data may get through from the first BIND on, and does from BOUND on. The owner of the leg sends the application's data
 * unchanged to the relay's address, and reports it with `sent`.
 */
import { type Address, sameAddress } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import {
  decodeRelay,
  encodeRelay,
  isRelayControl,
  type RelayFlags,
  type RelayMessage,
} from '../../wire/relay.ts'
import { makeClaim } from './claim.ts'

/** Shorter than any NAT keeps a mapping (30 s is common). */
export const KEEP_MS = 15_000
export const SILENCE_MS = 2000
const FIRST_REPEAT_MS = 250
const LAST_REPEAT_MS = 2000
const ASK_MS = 1000
const MAX_TRIES = 6
const MAX_ASKED = 3
const NEVER = Number.POSITIVE_INFINITY

export interface RelayLegOptions {
  readonly relay: Address
  /** The grant, sealed for the relay, and the key of that grant. */
  readonly grant: Uint8Array
  readonly key: Uint8Array
  /** Index of the machine's socket that the leg uses. */
  readonly socket: number
}

type Phase =
  | { readonly kind: 'binding'; readonly firstStamp: number }
  | { readonly kind: 'confirming'; readonly token: Uint8Array }
  | { readonly kind: 'bound' | 'asking' | 'lost' | 'released' }

export class RelayLeg {
  readonly relay: Address
  readonly #credentials: { readonly grant: Uint8Array; readonly key: Uint8Array }
  readonly #socket: number
  #phase: Phase = { kind: 'binding', firstStamp: 0 }
  #flags: RelayFlags = { otherBound: false, draining: false }
  #stamp = 0
  /** How often the current phase has sent its message, and when it sends it next. */
  #tries = 0
  #repeatAt = NEVER
  #keepMs = KEEP_MS
  #sentAt = 0
  #unheardSince = NEVER

  constructor({ relay, grant, key, socket }: RelayLegOptions) {
    this.relay = relay
    this.#credentials = { grant, key }
    this.#socket = socket
  }

  get state(): 'binding' | 'bound' | 'lost' | 'released' {
    const { kind } = this.#phase
    return kind === 'confirming' || kind === 'asking' ? 'bound' : kind
  }

  /** True if the other leg is bound, as the relay last said: data sent now will be forwarded. */
  get otherBound(): boolean {
    return this.#flags.otherBound
  }

  /** True if the relay is draining: time to ask for another one. */
  get draining(): boolean {
    return this.#flags.draining
  }

  isFrom(words: Uint32Array, at: number): boolean {
    return sameAddress(words, at, this.relay.words, 0)
  }

  /** Starts binding the leg. Call it again after a change of the local network. Does nothing after `release`. */
  start(out: Batch, now: number): void {
    if (this.#phase.kind === 'released') return
    this.#enter({ kind: 'binding', firstStamp: this.#nextStamp(now) }, out, now)
  }

  /** Handles a datagram from the relay's address. Returns `data` if it is for the caller, `control` if it was handled here. */
  take(arrived: Batch, i: number, out: Batch, now: number): 'control' | 'data' {
    const message = isRelayControl(arrived, i) ? decodeRelay(arrived.at(i)) : 'data'
    if (message === undefined) return 'control'
    this.#unheardSince = NEVER
    const wasAsking = this.#phase.kind === 'asking'
    if (wasAsking) this.#enter({ kind: 'bound' }, out, now)
    if (message === 'data') return 'data'
    this.#onMessage(message, wasAsking, out, now)
    return 'control'
  }

  /** Records that data was sent through this leg. */
  sent(now: number): void {
    this.#sentAt = now
    if (this.#unheardSince === NEVER) this.#unheardSince = now
  }

  tick(out: Batch, now: number): void {
    if (now < this.deadline()) return
    switch (this.#phase.kind) {
      case 'binding':
        if (this.#tries < MAX_TRIES) this.#repeat(out, now)
        else this.#enter({ kind: 'lost' }, out, now)
        break
      case 'confirming':
        if (this.#tries < MAX_TRIES) this.#repeat(out, now)
        else this.start(out, now)
        break
      case 'bound':
        this.#enter({ kind: 'asking' }, out, now)
        break
      case 'asking':
        if (this.#tries < MAX_ASKED) this.#repeat(out, now)
        else this.start(out, now)
    }
  }

  deadline(): number {
    if (this.#phase.kind !== 'bound') return this.#repeatAt
    return Math.min(this.#sentAt + this.#keepMs, this.#unheardSince + SILENCE_MS)
  }

  /** Gives the leg up. RELEASE is sent once; a relay that misses it ends the leg when it is idle. */
  release(out: Batch, now: number): void {
    const mayBeBound = this.#stamp > 0 && (this.state === 'bound' || this.state === 'binding')
    this.#enter({ kind: 'released' }, out, now)
    if (!mayBeBound) return
    this.#send(makeClaim('release', this.#nextStamp(now), this.#credentials), out, now)
  }

  /** Handles a control message. UNBOUND counts only as an answer, because it is easily forged. */
  #onMessage(message: RelayMessage, wasAsking: boolean, out: Batch, now: number): void {
    const { kind } = this.#phase
    if (message.op === 'bound' && this.#isAnswer(message.stamp)) {
      this.#flags = message
      this.#keepMs = Math.min(KEEP_MS, message.idleMs / 3)
      this.#enter({ kind: 'confirming', token: message.token.slice() }, out, now)
    } else if (message.op === 'kept' && kind !== 'lost' && kind !== 'released') {
      this.#flags = message
      if (kind === 'confirming') this.#enter({ kind: 'bound' }, out, now)
    } else if (message.op === 'unbound' && wasAsking) this.start(out, now)
  }

  #isAnswer(stamp: number): boolean {
    return this.#phase.kind === 'binding' && stamp >= this.#phase.firstStamp && stamp <= this.#stamp
  }

  #enter(phase: Phase, out: Batch, now: number): void {
    this.#phase = phase
    this.#tries = 0
    this.#repeatAt = NEVER
    this.#repeat(out, now)
  }

  /** Sends the message of the current phase, if it has one, and sets the time of the next retransmission. */
  #repeat(out: Batch, now: number): void {
    const message = this.#messageOf(this.#phase, now)
    if (message === undefined) return
    this.#send(message, out, now)
    const delay = Math.min(FIRST_REPEAT_MS * 2 ** this.#tries++, LAST_REPEAT_MS)
    this.#repeatAt = now + (this.#phase.kind === 'asking' ? ASK_MS : delay)
  }

  #messageOf(phase: Phase, now: number): RelayMessage | undefined {
    switch (phase.kind) {
      case 'binding':
        return makeClaim(
          'bind',
          this.#tries === 0 ? phase.firstStamp : this.#nextStamp(now),
          this.#credentials,
        )
      case 'confirming':
        return { op: 'confirm', token: phase.token }
      case 'asking':
        return { op: 'keep' }
      default:
        return undefined
    }
  }

  /** Returns a stamp that is never used twice. It is the time, so a new process of the same peer continues above the last one. */
  #nextStamp(now: number): number {
    this.#stamp = Math.max(Math.floor(now), this.#stamp + 1)
    return this.#stamp
  }

  #send(message: RelayMessage, out: Batch, now: number): void {
    out.push(encodeRelay(message), this.relay.words, 0, this.#socket)
    this.#sentAt = now
  }
}
