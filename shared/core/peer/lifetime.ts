/**
 * Measures how long the NAT keeps an idle UDP mapping (RFC 5780, section 4.6). Socket 0 creates a mapping and is silent
 * for a while. Then socket 1 asks the STUN server to answer to the mapped port of socket 0. If the answer arrives
 * there, the mapping still exists, and a new one is created for the next try. Each mapping is created with two
 * requests, as some carrier NATs keep one that saw a single packet for only 15 s.
 *
 * The idle time is searched between 4 and 300 s: doubled while mappings survive, then by bisection, to within a tenth.
 * Each idle time that was survived is reported, so that keep-alives are frequent enough before the end of the search.
 */
import type { Random } from '../../crypto/random.ts'
import { ADDRESS_WORDS, type Address, sameAddress, sameIp } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import { TRANSACTION_BYTES } from '../../wire/stun.ts'
import { type BindingAnswer, decodeBindingAnswer, encodeRoomyRequest } from '../../wire/stun-client.ts'
import type { Machine } from '../machine.ts'

const SHORTEST_MS = 4000
const LONGEST_MS = 300_000
const PRECISION = 1.1
const REPEAT_MS = 500
const REPEATS = 4
/** Requests that create a mapping. */
const OPENERS = 2

export type LifetimeResult =
  /** A mapping has just survived this idle time; the search goes on. */
  | { readonly kind: 'survived'; readonly lifetimeMs: number }
  /** The longest idle time that was survived; undefined if it could not be measured. The search has ended. */
  | { readonly kind: 'measured'; readonly lifetimeMs: number | undefined }

type Phase =
  | { readonly kind: 'opening'; answers: number; sent: number }
  | { readonly kind: 'idle'; readonly mapped: Address; readonly until: number; readonly forMs: number }
  | { readonly kind: 'asking'; readonly mapped: Address; readonly forMs: number; sent: number }
  | { readonly kind: 'done' }

export class Lifetime implements Machine<never, LifetimeResult> {
  readonly #server: Address
  readonly #random: Random
  #phase: Phase = { kind: 'opening', answers: 0, sent: 0 }
  #transaction: Uint8Array
  #dueAt = 0
  #survivedMs = 0
  #brokenMs = LONGEST_MS * PRECISION
  readonly #results: LifetimeResult[] = []

  /** `server`: the primary address of a STUN server that supports RESPONSE-PORT. */
  constructor(server: Address, random: Random) {
    this.#server = server
    this.#random = random
    this.#transaction = random.bytes(TRANSACTION_BYTES)
  }

  receive(arrived: Batch, out: Batch, now: number): void {
    for (let i = 0; i < arrived.count; i++) {
      const isServers = sameAddress(arrived.address, i * ADDRESS_WORDS, this.#server.words, 0)
      const answer = isServers ? decodeBindingAnswer(arrived.at(i)) : undefined
      if (answer !== undefined && this.#isExpected(answer)) this.#take(answer, arrived.socket[i]!, now)
    }
    this.tick(out, now)
  }

  handle(): void {}

  tick(out: Batch, now: number): void {
    if (now < this.#dueAt) return
    const phase = this.#phase
    if (phase.kind === 'idle') this.#ask(phase, now)
    if (this.#phase.kind === 'opening') this.#sendOpening(this.#phase, out, now)
    else if (this.#phase.kind === 'asking') this.#sendAsking(this.#phase, out, now)
  }

  deadline(): number {
    return this.#phase.kind === 'done' ? Number.POSITIVE_INFINITY : this.#dueAt
  }

  poll(): LifetimeResult | undefined {
    return this.#results.shift()
  }

  #isExpected({ transaction }: BindingAnswer): boolean {
    return this.#transaction.every((byte, i) => byte === transaction[i])
  }

  #take({ mapped }: BindingAnswer, socket: number, now: number): void {
    if (socket !== 0 || mapped === undefined) return
    if (this.#phase.kind === 'opening') this.#opened(this.#phase, mapped, now)
    else if (this.#phase.kind === 'asking' && sameIp(mapped.words, 0, this.#phase.mapped.words, 0))
      this.#survived(this.#phase, now)
  }

  #opened(phase: Phase & { kind: 'opening' }, mapped: Address, now: number): void {
    this.#renewTransaction(now)
    if (++phase.answers < OPENERS) return
    const forMs = this.#nextTry()
    this.#phase = { kind: 'idle', mapped, forMs, until: now + forMs }
    this.#dueAt = now + forMs
  }

  #ask({ mapped, forMs }: Phase & { kind: 'idle' }, now: number): void {
    this.#phase = { kind: 'asking', mapped, forMs, sent: 0 }
    this.#renewTransaction(now)
  }

  #survived({ forMs }: Phase & { kind: 'asking' }, now: number): void {
    this.#survivedMs = forMs
    this.#results.push({ kind: 'survived', lifetimeMs: forMs })
    this.#goOn(now)
  }

  /** Doubles the idle time until a mapping is lost, then bisects. */
  #nextTry(): number {
    if (this.#survivedMs === 0 && this.#brokenMs > LONGEST_MS) return SHORTEST_MS
    if (this.#brokenMs > LONGEST_MS) return Math.min(this.#survivedMs * 2, LONGEST_MS)
    return Math.round((this.#survivedMs + this.#brokenMs) / 2)
  }

  #goOn(now: number): void {
    const isFound = this.#brokenMs <= this.#survivedMs * PRECISION || this.#survivedMs >= LONGEST_MS
    const isHopeless = this.#brokenMs <= SHORTEST_MS
    if (isFound || isHopeless) this.#end(isFound ? this.#survivedMs : undefined)
    else {
      this.#phase = { kind: 'opening', answers: 0, sent: 0 }
      this.#renewTransaction(now)
    }
  }

  #sendOpening(phase: Phase & { kind: 'opening' }, out: Batch, now: number): void {
    if (phase.sent++ === REPEATS * OPENERS) this.#end(this.#survivedMs || undefined)
    else this.#send(encodeRoomyRequest(this.#transaction), 0, out, now)
  }

  #sendAsking(phase: Phase & { kind: 'asking' }, out: Batch, now: number): void {
    if (phase.sent++ < REPEATS) {
      const responsePort = phase.mapped.words[4]!
      this.#send(encodeRoomyRequest(this.#transaction, { responsePort }), 1, out, now)
    } else {
      this.#brokenMs = phase.forMs
      this.#goOn(now)
      this.tick(out, now)
    }
  }

  #send(request: Uint8Array, socket: number, out: Batch, now: number): void {
    out.push(request, this.#server.words, 0, socket)
    this.#dueAt = now + REPEAT_MS
  }

  #renewTransaction(now: number): void {
    this.#transaction = this.#random.bytes(TRANSACTION_BYTES)
    this.#dueAt = now
  }

  #end(lifetimeMs: number | undefined): void {
    this.#phase = { kind: 'done' }
    this.#results.push({ kind: 'measured', lifetimeMs })
  }
}
