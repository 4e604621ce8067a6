/**
 * Renews the keys of a tunnel by a fresh key exchange after every two minutes of use (wire README, section 6). The side that
 * begins sends REKEY until REKEYED answers it. It then seals with the new keys; the other side does so once a packet with
 * them arrives. What is under way meanwhile is opened with the old keys, which are erased soon after.
 */
import type { ChannelKeys } from '../../crypto/channel.ts'
import { sameBytes } from '../../crypto/hash.ts'
import type { StaticKeys } from '../../crypto/noise.ts'
import { prekeyPair } from '../../crypto/prekey.ts'
import type { Random } from '../../crypto/random.ts'
import { KeyChain } from '../../crypto/rekey.ts'
import type { Control } from '../../wire/tunnel.ts'
import type { Packets } from './packets.ts'

export const RENEW_MS = 120_000
const REPEATS_MS = [500, 1000, 2000, 4000, 8000]
/** Packets on their way are opened with the old keys for this long. */
const LINGER_MS = 30_000
const never = Number.POSITIVE_INFINITY

type RekeyControl = Extract<Control, { kind: 'rekey' | 'rekeyed' }>
type Send = (control: Control) => boolean

interface Exchange {
  readonly pair: StaticKeys
  readonly question: RekeyControl
  tries: number
  dueAt: number
}

export class Renewal {
  readonly #packets: Packets
  readonly #random: Random
  /** Undefined until the other side has agreed. */
  #chain: KeyChain | undefined
  #renewedAt = 0
  /** The exchange that this side has begun. */
  #exchange: Exchange | undefined
  /** The answer to the last exchange that the other side has begun. */
  #answer: { readonly asked: Uint8Array; readonly control: RekeyControl } | undefined
  /** When the old keys are erased; Infinity while there are none, or the other side still uses them. */
  #eraseAt = never

  constructor(packets: Packets, random: Random) {
    this.#packets = packets
    this.#random = random
  }

  /** Number of times that the keys were renewed. */
  get renewals(): number {
    return this.#chain?.number ?? 0
  }

  agree(keys: ChannelKeys, now: number): void {
    this.#chain = new KeyChain(keys)
    this.#renewedAt = now
  }

  tick(send: Send, now: number): void {
    if (this.#packets.outdated && this.#eraseAt === never) this.#eraseAt = now + LINGER_MS
    if (now >= this.#eraseAt) {
      this.#packets.erase()
      this.#eraseAt = never
    }
    if (now >= this.#beginAt) this.#begin(now)
    const exchange = this.#exchange
    if (exchange === undefined || now < exchange.dueAt) return
    send(exchange.question)
    exchange.dueAt = now + (REPEATS_MS[exchange.tries++] ?? RENEW_MS)
  }

  deadline(): number {
    return Math.min(this.#eraseAt, this.#beginAt, this.#exchange?.dueAt ?? never)
  }

  take(control: RekeyControl, send: Send, now: number): void {
    if (control.kind === 'rekeyed') this.#onAnswer(control, send, now)
    else this.#onQuestion(control, send)
  }

  /** When the next exchange begins: two minutes after the last one, if there was data meanwhile. */
  get #beginAt(): number {
    const isWanted = this.#chain?.begins === true && this.#packets.used
    return isWanted && this.#exchange === undefined && this.#packets.settled
      ? this.#renewedAt + RENEW_MS
      : never
  }

  /** The same question is repeated until it is answered: the other side may have new keys already. */
  #begin(now: number): void {
    const pair = prekeyPair(this.#random.bytes(32))
    const question = { kind: 'rekey', number: this.renewals + 1, key: pair.publicKey } as const
    this.#exchange = { pair, question, tries: 0, dueAt: now }
  }

  #onAnswer({ number, key }: RekeyControl, send: Send, now: number): void {
    const exchange = this.#exchange
    if (exchange?.question.number !== number) return
    const keys = this.#chain!.next(exchange.pair, key)
    if (keys === undefined) return
    this.#exchange = undefined
    this.#renewedAt = now
    this.#packets.renew(keys)
    // The first packet with the new keys: the other side may use them too.
    send(exchange.question)
  }

  #onQuestion({ number, key }: RekeyControl, send: Send): void {
    const chain = this.#chain
    if (chain === undefined || chain.begins) return
    if (number === chain.number + 1 && this.#packets.settled) {
      const pair = prekeyPair(this.#random.bytes(32))
      const keys = chain.next(pair, key)
      if (keys === undefined) return
      this.#packets.expect(keys)
      this.#answer = { asked: key, control: { kind: 'rekeyed', number, key: pair.publicKey } }
    }
    const answer = this.#answer
    if (answer?.control.number === number && sameBytes(answer.asked, key)) send(answer.control)
  }
}
