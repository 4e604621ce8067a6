/**
 * Asks STUN servers from several sockets, one after another, which ports the NAT assigns. Samples are in sending order.
 */
import { sameBytes } from '../../crypto/hash.ts'
import type { Random } from '../../crypto/random.ts'
import { type Address, isIpv4 } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import { TRANSACTION_BYTES } from '../../wire/stun.ts'
import { decodeBindingAnswer, encodeRoomyRequest } from '../../wire/stun-client.ts'

/** A request from a socket to a server, and the port that the server saw; 0 until it answers. */
export interface PortSample {
  readonly socket: number
  readonly server: Address
  readonly transaction: Uint8Array
  port: number
}

/** Nothing is sent twice: a repeat would use the same mapping, and the series tolerates a gap. */
const LAST_ANSWER_MS = 250
const never = Number.POSITIVE_INFINITY

export class PortSampler {
  readonly #random: Random
  #samples: PortSample[] = []
  #sent = 0
  #startAt = 0
  #paceMs = 0

  constructor(random: Random) {
    this.#random = random
  }

  get samples(): readonly PortSample[] {
    return this.#samples
  }

  /** Starts with each socket to the first server, then each to the second, and so on. */
  start(sockets: readonly number[], servers: readonly Address[], paceMs: number, now: number): void {
    this.#samples = servers.flatMap((server) =>
      sockets.map((socket) => ({
        socket,
        server,
        transaction: this.#random.bytes(TRANSACTION_BYTES),
        port: 0,
      })),
    )
    this.#sent = 0
    this.#startAt = now
    this.#paceMs = paceMs
  }

  stop(): void {
    this.#samples = []
    this.#sent = 0
  }

  isDone(now: number): boolean {
    return this.#samples.every(({ port }) => port > 0) || now >= this.#endAt
  }

  /** False if the datagram does not answer one of the requests. */
  take(bytes: Uint8Array): boolean {
    const answer = decodeBindingAnswer(bytes)
    const sample = answer && this.#samples.find((it) => sameBytes(it.transaction, answer.transaction))
    if (sample === undefined || answer?.mapped === undefined || !isIpv4(answer.mapped.words)) return false
    sample.port = answer.mapped.words[4]!
    return true
  }

  tick(out: Batch, now: number): void {
    while (this.#sent < this.#samples.length && now >= this.#nextAt) {
      const { socket, server, transaction } = this.#samples[this.#sent++]!
      out.push(encodeRoomyRequest(transaction, {}), server.words, 0, socket)
    }
  }

  deadline(): number {
    if (this.#samples.length === 0) return never
    return this.#sent < this.#samples.length ? this.#nextAt : this.#endAt
  }

  get #nextAt(): number {
    return this.#startAt + this.#sent * this.#paceMs
  }

  get #endAt(): number {
    return this.#startAt + this.#samples.length * this.#paceMs + LAST_ANSWER_MS
  }
}
