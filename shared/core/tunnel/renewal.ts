/**
 * Renews the keys of a tunnel by a fresh key exchange after every two minutes of use (wire README, section 6). The side that
 * begins sends REKEY until REKEYED answers it. It then seals with the new keys; the other side does so once a packet with
 * them arrives. What is under way meanwhile is opened with the old keys, which are erased soon after.
 *
 * If both sides have ML-KEM, the first exchange is hybrid. It begins with the first path, and data does not wait for it.
 */
import type { ChannelKeys } from '../../crypto/channel.ts'
import type { Random } from '../../crypto/random.ts'
import { KeyChain } from '../../crypto/rekey.ts'
import type { Rekey } from '../../wire/tunnel.ts'
import type { Outbox } from './outbox.ts'
import type { Packets } from './packets.ts'
import { RekeyAnswers } from './rekey-answers.ts'
import { RekeyQuestion } from './rekey-question.ts'
import type { Mixing, NotHybrid, Security } from './security.ts'

export const RENEW_MS = 120_000
/** A tunnel with a path that is not hybrid after this time, although it was agreed, says so. */
export const UNANSWERED_MS = 10_000
const REPEATS_MS = [500, 1000, 2000, 4000, 8000]
/** Repeats of the hybrid exchange after those. */
const HYBRID_REPEAT_MS = 10_000
/** Packets on their way are opened with the old keys for this long. */
const LINGER_MS = 30_000
const never = Number.POSITIVE_INFINITY

/** Sends a frame on the path in use. */
type Send = (control: Rekey) => void

/** The path in use, and the demand of the streams beside the datagrams. */
export interface InUse {
  readonly hasPath: boolean
  readonly streaming: boolean
}

export class Renewal {
  readonly #packets: Packets
  readonly #random: Random
  readonly #answers: RekeyAnswers
  readonly #inUse: InUse
  readonly #outbox: Pick<Outbox, 'put'>
  /** Undefined until the other side has agreed. */
  #chain: KeyChain | undefined
  #mixing: Mixing = 'not-there'
  #renewedAt = 0
  /** Time of the first path; Infinity before. */
  #openAt = never
  /** The exchange that this side has begun. */
  #exchange: { readonly question: RekeyQuestion; tries: number; dueAt: number } | undefined
  /** Time at which the old keys are erased; Infinity while there are none, or the other side still uses them. */
  #eraseAt = never
  #told: NotHybrid | undefined = 'pending'
  #isLate = false

  constructor(packets: Packets, random: Random, inUse: InUse, outbox: Pick<Outbox, 'put'>) {
    this.#packets = packets
    this.#random = random
    this.#answers = new RekeyAnswers(random.fork('answers'))
    this.#inUse = inUse
    this.#outbox = outbox
  }

  /** Number of times that this side has begun to seal with renewed keys. */
  get renewals(): number {
    return this.#packets.renewals
  }

  get security(): Security {
    const reason = this.#notHybrid
    const hybrid = reason === undefined
    return { handshake: 'noise-ik', hybrid, ...(!hybrid && { reason }), renewals: this.renewals }
  }

  agree(keys: ChannelKeys, mixing: Mixing, now: number): void {
    this.#chain = new KeyChain(keys)
    this.#mixing = mixing
    this.#told = this.#notHybrid
    this.#renewedAt = now
  }

  tick(send: Send, now: number): void {
    if (this.#packets.outdated && this.#eraseAt === never) this.#eraseAt = now + LINGER_MS
    if (now >= this.#eraseAt) {
      this.#packets.erase()
      this.#eraseAt = never
    }
    if (this.#inUse.hasPath && this.#chain !== undefined) this.#ask(send, now)
    this.#isLate ||= now >= this.#lateAt
    this.#tell()
  }

  deadline(): number {
    const askAt = this.#inUse.hasPath ? Math.min(this.#beginAt, this.#exchange?.dueAt ?? never) : never
    return Math.min(this.#eraseAt, askAt, this.#isLate ? never : this.#lateAt)
  }

  take(control: Rekey, send: Send, now: number): void {
    if (this.#chain === undefined) return
    if (control.kind === 'rekeyed') this.#onAnswer(control, this.#chain, send, now)
    else if (!this.#chain.begins) this.#onQuestion(control, this.#chain, send)
  }

  /** When the next exchange begins: two minutes after the last one, if there was data meanwhile; a hybrid one immediately. */
  get #beginAt(): number {
    if (this.#chain?.begins !== true || this.#exchange !== undefined || !this.#packets.settled) return never
    if (this.#isHybridNext) return this.#renewedAt
    const isUsed = this.#packets.used || this.#inUse.streaming
    return isUsed ? this.#renewedAt + RENEW_MS : never
  }

  /** Only the first exchange is: later ones keep what it has mixed in. */
  get #isHybridNext(): boolean {
    return this.#mixing === 'agreed' && this.#chain?.number === 0
  }

  get #lateAt(): number {
    return this.#mixing === 'agreed' && this.renewals === 0 ? this.#openAt + UNANSWERED_MS : never
  }

  get #notHybrid(): NotHybrid | undefined {
    if (this.#chain === undefined) return 'pending'
    if (this.#mixing !== 'agreed') return this.#mixing
    if (this.renewals > 0) return undefined
    return this.#isLate ? 'unanswered' : 'pending'
  }

  #ask(send: Send, now: number): void {
    if (this.#openAt === never) this.#openAt = now
    if (now >= this.#beginAt) {
      const question = new RekeyQuestion(this.#chain!.number + 1, this.#isHybridNext, this.#random)
      this.#exchange = { question, tries: 0, dueAt: now }
    }
    const exchange = this.#exchange
    if (exchange === undefined || now < exchange.dueAt) return
    for (const frame of exchange.question.open) send(frame)
    const lastMs = this.#isHybridNext ? HYBRID_REPEAT_MS : RENEW_MS
    exchange.dueAt = now + (REPEATS_MS[exchange.tries++] ?? lastMs)
  }

  #onAnswer(answer: Rekey, chain: KeyChain, send: Send, now: number): void {
    const question = this.#exchange?.question
    const keys = question?.take(answer, chain)
    if (keys === undefined) return
    this.#exchange = undefined
    this.#renewedAt = now
    this.#packets.renew(keys)
    send(question!.confirmation)
    this.#tell()
  }

  #onQuestion(question: Rekey, chain: KeyChain, send: Send): void {
    const isNext = question.number === chain.number + 1 && this.#packets.settled
    const taken = isNext ? this.#answers.take(question, this.#isHybridNext, chain) : undefined
    if (taken !== undefined) this.#packets.expect(taken.keys)
    for (const frame of taken?.frames ?? this.#answers.to(question)) send(frame)
  }

  /** Tells the application when a tunnel becomes hybrid, or is not although it should be. */
  #tell(): void {
    const reason = this.#notHybrid
    if (this.#chain === undefined || reason === this.#told) return
    this.#told = reason
    this.#outbox.put({ kind: 'security', security: this.security })
  }
}
