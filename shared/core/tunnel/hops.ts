/**
 * Measures how many hops a packet needs to pass all NATs on this side; it is the TTL of priming packets. For each
 * number of hops, a fresh socket sends a packet with that TTL to an endpoint that it never sent to. It then asks
 * another node to have that endpoint answer. The answer arrives if the first packet passed this side's NATs, or if they
 * filter nothing.
 *
 * A symmetric NAT gives the two packets two ports, so no answer arrives and the number stays unknown.
 */
import { sameBytes } from '../../crypto/hash.ts'
import type { Random } from '../../crypto/random.ts'
import type { Batch } from '../../wire/batch.ts'
import { TRANSACTION_BYTES } from '../../wire/stun.ts'
import { decodeBindingAnswer, encodeRoomyRequest } from '../../wire/stun-client.ts'
import type { StunServer } from './evidence.ts'
import type { Sockets } from './sockets.ts'

/** Home router, the carrier's router, and those between. */
const MAX_HOPS = 6
/** All answers arrive at nearly the same time. */
const SPREAD_MS = 30
const LONGEST_MS = 500
const never = Number.POSITIVE_INFINITY

interface Question {
  readonly hops: number
  readonly transaction: Uint8Array
}

export class Hops {
  /** Smallest number of hops that passed the NATs; 0 if unknown. */
  least = 0
  readonly #random: Random
  readonly #sockets: Sockets
  #servers: readonly StunServer[] = []
  #questions: readonly Question[] = []
  #phase: 'idle' | 'opening' | 'asking' = 'idle'
  #endAt = never

  constructor(random: Random, sockets: Sockets) {
    this.#random = random
    this.#sockets = sockets
  }

  get busy(): boolean {
    return this.#phase !== 'idle'
  }

  /** Starts the measurement. `servers`: nearest first; without two servers, each with two ports, nothing is measured. */
  start(servers: readonly StunServer[], now: number): void {
    this.least = 0
    this.#servers = servers
    if (servers[1]?.alternate === undefined) return
    this.#phase = 'opening'
    this.#endAt = now + LONGEST_MS
    this.#sockets.open(MAX_HOPS)
  }

  stop(): void {
    if (!this.busy) return
    this.#phase = 'idle'
    this.#questions = []
    this.#sockets.closeUnused()
  }

  /** False if the datagram does not answer one of the requests. */
  take(bytes: Uint8Array, now: number): boolean {
    const answer = decodeBindingAnswer(bytes)
    const question = answer && this.#questions.find((it) => sameBytes(it.transaction, answer.transaction))
    if (question === undefined) return false
    // A server without a partner sends its error from its own address, which every NAT accepts.
    if (answer?.mapped === undefined) return true
    this.#endAt = Math.min(this.#endAt, now + SPREAD_MS)
    this.least = Math.min(this.least || MAX_HOPS, question.hops)
    return true
  }

  tick(out: Batch, now: number): void {
    if (this.#phase === 'opening' && this.#sockets.answered) this.#ask(out)
    if (this.busy && now >= this.#endAt) this.stop()
  }

  deadline(): number {
    return this.busy ? this.#endAt : never
  }

  #ask(out: Batch): void {
    this.#phase = 'asking'
    const [near, far] = this.#servers
    this.#questions = this.#sockets.fresh.slice(0, MAX_HOPS).map((socket, i) => {
      const hops = i + 1
      const transaction = this.#random.bytes(TRANSACTION_BYTES)
      const opening = encodeRoomyRequest(this.#random.bytes(TRANSACTION_BYTES), {})
      const request = encodeRoomyRequest(transaction, { changeIp: true, changePort: true })
      out.push(opening, far!.alternate!.words, 0, socket, hops)
      out.push(request, near!.primary.words, 0, socket)
      return { hops, transaction }
    })
  }
}
