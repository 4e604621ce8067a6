/**
 * The prekeys of this peer: the keys that others seal messages for (wire README, section 3). A new one is made every
 * week, stored by the owner of the machine, and published when that is done. An old one is kept until no mailbox can
 * hold a message for it, and is then erased.
 *
 * All times are those of the node, because other peers check them.
 */
import type { Identity } from '../../crypto/identity.ts'
import type { StaticKeys } from '../../crypto/noise.ts'
import { eraseKey, prekeyPair, signPrekey } from '../../crypto/prekey.ts'
import type { Random } from '../../crypto/random.ts'
import { LIMITS } from '../../limits.ts'
import { IDENTITY_KEY } from '../../wire/messages.ts'
import { prekeyNumber } from '../../wire/prekeys.ts'

export const DAY_MS = 24 * 3600_000
/** Age at which a prekey is replaced. */
export const PREKEY_MS = 7 * DAY_MS
/** Senders may use a prekey for a day after the next one is published; a mailbox keeps the message; and a day to spare. */
const KEEP_MS = LIMITS.mailboxMs + 2 * DAY_MS
/** Most that are kept: one a day for as long as they are kept, and some to spare. */
const MAX_KEPT = 40

/** A prekey as its owner stores it. */
export interface PrekeyMemory {
  /** X25519, 32 bytes. */
  readonly secretKey: Uint8Array
  readonly signedAt: number
  /** Time at which the next one was published; absent for the one in use. */
  readonly retiredAt?: number
}

interface Own {
  readonly pair: StaticKeys
  readonly signedAt: number
  retiredAt: number | undefined
}

export class Prekeys {
  readonly #identity: Identity
  readonly #static: StaticKeys
  readonly #random: Random
  /** Oldest first; the last is the newest, published unless it is `#pending`. Undefined if nothing can be stored. */
  readonly #own: Own[] | undefined
  #pending: Own | undefined
  #published: Uint8Array | undefined
  #publishedAt = Number.NEGATIVE_INFINITY
  /** A message named a key that is not here. */
  #isMissed = false

  /** `memory`: what was stored last; undefined if nothing is stored between runs although the identity may be. */
  constructor(identity: Identity, random: Random, memory: readonly PrekeyMemory[] | undefined) {
    this.#identity = identity
    this.#static = { publicKey: identity.staticPublic, secretKey: identity.staticSecret }
    this.#random = random
    this.#own = memory
      ?.map(({ secretKey, ...rest }) => ({ pair: prekeyPair(secretKey), retiredAt: undefined, ...rest }))
      .sort((a, b) => a.signedAt - b.signedAt)
    const last = this.#own?.at(-1)
    if (last !== undefined) this.#publish(last.pair, last.signedAt)
  }

  /** The prekey to publish, as it is encoded; undefined before there is one. */
  get published(): Uint8Array | undefined {
    return this.#published
  }

  /** The key pair of a number; undefined if it is not one of ours, or was erased. */
  find(number: number): StaticKeys | undefined {
    if (number === IDENTITY_KEY || number === prekeyNumber(this.#static.publicKey)) return this.#static
    return this.#own?.find(({ pair }) => prekeyNumber(pair.publicKey) === number)?.pair
  }

  /** A message was sealed for a key that is not here: others know a prekey that was lost. */
  missed(): void {
    this.#isMissed = true
  }

  /**
   * Makes and erases what is due. Returns what has to be stored, if that changed. A new prekey is published when `stored`
   * says that it is stored.
   */
  tick(now: number): readonly PrekeyMemory[] | undefined {
    const isDue = this.#pending === undefined && now >= this.#nextAt(now)
    this.#isMissed = false
    if (isDue && this.#own === undefined) this.#publish(this.#static, now)
    const isErased = this.#erase(now)
    if (isDue) this.#make(now)
    return isDue || isErased ? this.#memory(now) : undefined
  }

  /** The owner has stored what `tick` returned. True if there is another prekey to publish. */
  stored(now: number): boolean {
    const pending = this.#pending
    if (pending === undefined) return false
    this.#pending = undefined
    for (const each of this.#own!) if (each !== pending) each.retiredAt ??= now
    this.#publish(pending.pair, pending.signedAt)
    return true
  }

  /** Time at which `tick` has something to do. */
  deadline(now: number): number {
    const madeAt = this.#pending === undefined ? this.#nextAt(now) : Number.POSITIVE_INFINITY
    const erased = (this.#own ?? []).map(({ retiredAt = Number.POSITIVE_INFINITY }) => retiredAt + KEEP_MS)
    return Math.min(madeAt, ...erased)
  }

  /** A prekey of the far future was signed when a clock was wrong: others do not accept it. */
  #nextAt(now: number): number {
    if (this.#publishedAt > now + DAY_MS) return now
    return this.#publishedAt + (this.#isMissed ? DAY_MS : PREKEY_MS)
  }

  #make(now: number): void {
    if (this.#own === undefined) return
    let pair = prekeyPair(this.#random.bytes(32))
    while (this.find(prekeyNumber(pair.publicKey)) !== undefined) pair = prekeyPair(this.#random.bytes(32))
    this.#pending = { pair, signedAt: now, retiredAt: undefined }
    this.#own.push(this.#pending)
  }

  /** The prekeys to store. Those before the newest are retired as soon as that is published, which follows. */
  #memory(now: number): readonly PrekeyMemory[] | undefined {
    const last = this.#own?.at(-1)
    return this.#own?.map(({ pair, signedAt, retiredAt }) => {
      const memory = { secretKey: pair.secretKey.slice(), signedAt }
      const isNewest = pair === last?.pair
      return isNewest ? memory : { ...memory, retiredAt: retiredAt ?? now }
    })
  }

  #erase(now: number): boolean {
    const isOver = ({ retiredAt = Number.POSITIVE_INFINITY }: Own) => retiredAt + KEEP_MS <= now
    const count = this.#own?.filter(isOver).length ?? 0
    const excess = Math.max(0, (this.#own?.length ?? 0) - MAX_KEPT)
    const erased = this.#own?.splice(0, Math.max(count, excess)) ?? []
    for (const { pair } of erased) eraseKey(pair)
    return erased.length > 0
  }

  #publish(pair: StaticKeys, signedAt: number): void {
    this.#published = signPrekey(this.#identity, pair.publicKey, signedAt)
    this.#publishedAt = signedAt
  }
}
