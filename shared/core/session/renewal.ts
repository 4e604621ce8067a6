/**
 * Renews the keys of a session in use by a fresh key exchange, once within each hour (wire README, section 3). The peer
 * begins: it sends RENEW with a new X25519 key, and RENEWED answers with another one. Both frames are reliable.
 *
 * Each datagram says from which exchange its keys are (the upper 16 bits of its counter), so data never waits. The peer
 * seals with the new keys as soon as it has them; the node does so once a datagram with them opens. Late ones are opened
 * with the old keys for half a minute. A node that does not know RENEW acknowledges it and does nothing.
 *
 * A session that carries no frames keeps its keys: it costs a node with a million of them nothing.
 */
import { Channel } from '../../crypto/channel.ts'
import type { StaticKeys } from '../../crypto/noise.ts'
import { prekeyPair } from '../../crypto/prekey.ts'
import type { Random } from '../../crypto/random.ts'
import { sessionKeys } from '../../crypto/rekey.ts'
import { decodeRenewal, encodeRenewal } from '../../wire/session.ts'

/** Age of the keys at which a peer renews them. The peers of a node do so at different times within SPREAD_MS. */
export const RENEW_MS = 40 * 60_000
export const SPREAD_MS = 15 * 60_000
const LINGER_MS = 30_000
const GENERATIONS = 2 ** 16
const never = Number.POSITIVE_INFINITY

/** A channel, and the number of the exchange that its keys are from, modulo 2^16; 0 for those of the handshake. */
export interface Sealing {
  readonly channel: Channel
  readonly generation: number
}

export class SessionRenewal {
  readonly #random: Random
  /** Time at which this side asks at the earliest; Infinity at a node. */
  #askAt: number
  #asked: { readonly number: number; readonly pair: StaticKeys } | undefined
  /** Keys that the other side will use; only at a node. */
  #next: Sealing | undefined
  #previous: Sealing | undefined
  #eraseAt = never

  /** `begunAt`: when the session began, at the side that asks; undefined at the side that answers. */
  constructor(random: Random, begunAt: number | undefined) {
    this.#random = random
    this.#askAt = begunAt === undefined ? never : this.#askAfter(begunAt)
  }

  /** True if there is nothing to remember, at a node. */
  get isOver(): boolean {
    return this.#askAt === never && this.#next === undefined && this.#previous === undefined
  }

  /** The channel of a datagram that is not sealed with the present keys. */
  channel(generation: number): Channel | undefined {
    return [this.#next, this.#previous].find((each) => each?.generation === generation)?.channel
  }

  /** A datagram of this channel opened. Returns what to seal with from now on. */
  opened(channel: Channel, current: Sealing, now: number): Sealing {
    const next = this.#next
    if (channel !== next?.channel) return current
    this.#next = undefined
    this.#replace(current, now)
    return next
  }

  /** Passes a question that is due to `send`, which returns false if there is no room for it. */
  ask({ generation }: Sealing, send: (body: Uint8Array) => boolean, now: number): void {
    if (now < this.#askAt) return
    const pair = prekeyPair(this.#random.bytes(32))
    const number = (generation + 1) % GENERATIONS
    if (!send(encodeRenewal({ number, key: pair.publicKey }))) return
    this.#asked = { number, pair }
    this.#askAt = this.#askAfter(now)
  }

  /** Answers a question. Undefined for one out of turn. */
  answer(body: Uint8Array, { generation }: Sealing): Uint8Array | undefined {
    const question = decodeRenewal(body)
    const isNext = question?.number === (generation + 1) % GENERATIONS
    if (question === undefined || !isNext || this.#next !== undefined || this.#previous !== undefined)
      return undefined
    const pair = prekeyPair(this.#random.bytes(32))
    const keys = sessionKeys(pair, question.key, question.number, false)
    if (keys === undefined) return undefined
    this.#next = { channel: new Channel(keys), generation: question.number }
    return encodeRenewal({ number: question.number, key: pair.publicKey })
  }

  /** Takes the answer. Returns what to seal with from now on. */
  answered(body: Uint8Array, current: Sealing, now: number): Sealing {
    const [answer, asked] = [decodeRenewal(body), this.#asked]
    if (answer === undefined || answer.number !== asked?.number) return current
    const keys = sessionKeys(asked.pair, answer.key, answer.number, true)
    if (keys === undefined) return current
    this.#asked = undefined
    this.#askAt = this.#askAfter(now)
    this.#replace(current, now)
    return { channel: new Channel(keys), generation: answer.number }
  }

  /** Erases old keys when their time has come. */
  tick(now: number): void {
    if (now < this.#eraseAt) return
    this.#previous?.channel.erase()
    this.#previous = undefined
    this.#eraseAt = never
  }

  /** Time at which old keys are erased. A question waits for other frames. */
  deadline(): number {
    return this.#eraseAt
  }

  #replace({ channel, generation }: Sealing, now: number): void {
    this.#previous?.channel.erase()
    this.#previous = { channel, generation }
    this.#eraseAt = now + LINGER_MS
  }

  #askAfter(now: number): number {
    return now + RENEW_MS + this.#random.below(SPREAD_MS)
  }
}
