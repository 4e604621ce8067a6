/**
 * Moves a tunnel to a fresh socket before the NAT mapping of the one in use ends. The new path is made while the old
 * one still works.
 *
 *   opening   a fresh socket is requested
 *   asking    a STUN node is asked for the mapped address of that socket
 *   moving    MOVE tells the other side, over the old path, to expect packets from that address; both send to each other
 *
 * The relocation ends when the new path is in use, or after LONGEST_MS; the old path is then used until it fails.
 */
import { sameBytes } from '../../crypto/hash.ts'
import type { Random } from '../../crypto/random.ts'
import type { Address } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import { TRANSACTION_BYTES } from '../../wire/stun.ts'
import { decodeBindingAnswer, encodeRoomyRequest } from '../../wire/stun-client.ts'
import type { Sockets } from './sockets.ts'

/** Interval at which a STUN request or MOVE is repeated. */
const REPEAT_MS = 200
const LONGEST_MS = 3000
const never = Number.POSITIVE_INFINITY

type Phase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'opening'; readonly socket: number }
  | { readonly kind: 'asking'; readonly socket: number; readonly transaction: Uint8Array }
  | { readonly kind: 'moving'; readonly socket: number; readonly address: Address }

export class Relocation {
  readonly #random: Random
  readonly #sockets: Sockets
  #phase: Phase = { kind: 'idle' }
  #server: Address | undefined
  #dueAt = never
  #endAt = never
  /** Time of the first packet from the fresh socket. */
  startedAt = 0

  constructor(random: Random, sockets: Sockets) {
    this.#random = random
    this.#sockets = sockets
  }

  get busy(): boolean {
    return this.#phase.kind !== 'idle'
  }

  /** The fresh socket, once its mapped address is known. */
  get socket(): number | undefined {
    return this.#phase.kind === 'moving' ? this.#phase.socket : undefined
  }

  start(server: Address, now: number): void {
    this.#server = server
    this.#phase = { kind: 'opening', socket: this.#sockets.openAnother() }
    this.#endAt = now + LONGEST_MS
    this.#dueAt = never
  }

  stop(): void {
    this.#phase = { kind: 'idle' }
    this.#endAt = never
    this.#dueAt = never
  }

  /** False if the datagram does not answer the request. */
  take(bytes: Uint8Array, now: number): boolean {
    if (this.#phase.kind !== 'asking') return false
    const answer = decodeBindingAnswer(bytes)
    if (answer === undefined || !sameBytes(answer.transaction, this.#phase.transaction)) return false
    if (answer.mapped === undefined) return true
    this.#phase = { kind: 'moving', socket: this.#phase.socket, address: answer.mapped }
    this.#dueAt = now
    return true
  }

  /** The socket and address to announce now, if MOVE is due. */
  tick(out: Batch, now: number): { readonly socket: number; readonly address: Address } | undefined {
    if (now >= this.#endAt) this.stop()
    if (this.#phase.kind === 'opening' && this.#sockets.answered) this.#ask(this.#phase.socket, now)
    if (now < this.#dueAt) return undefined
    this.#dueAt = now + REPEAT_MS
    if (this.#phase.kind === 'moving') return this.#phase
    if (this.#phase.kind === 'asking')
      out.push(encodeRoomyRequest(this.#phase.transaction, {}), this.#server!.words, 0, this.#phase.socket)
    return undefined
  }

  deadline(): number {
    return Math.min(this.#dueAt, this.#endAt)
  }

  #ask(socket: number, now: number): void {
    if (!this.#sockets.isOpen(socket)) {
      this.stop()
      return
    }
    this.#phase = { kind: 'asking', socket, transaction: this.#random.bytes(TRANSACTION_BYTES) }
    this.startedAt = now
    this.#dueAt = now
  }
}
