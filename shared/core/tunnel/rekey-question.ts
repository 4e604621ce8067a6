/** An exchange of keys that this side has begun: what it asks, and what has been answered. */
import type { ChannelKeys } from '../../crypto/channel.ts'
import { sameBytes } from '../../crypto/hash.ts'
import type { StaticKeys } from '../../crypto/noise.ts'
import { prekeyPair } from '../../crypto/prekey.ts'
import type { MlKemPair } from '../../crypto/primitives.ts'
import type { Random } from '../../crypto/random.ts'
import { KEM_CIPHERTEXT_BYTES, type KeyChain, kemPair, openKem } from '../../crypto/rekey.ts'
import type { Rekey } from '../../wire/tunnel.ts'
import { Halves, halvesOf } from './halves.ts'

const KEM_SEED_BYTES = 64

export class RekeyQuestion {
  readonly #number: number
  readonly #pair: StaticKeys
  /** Undefined if the exchange is not hybrid. */
  readonly #kem: MlKemPair | undefined
  readonly #frames: readonly Rekey[]
  /** The key of the answer, and the halves of its ciphertext so far. */
  #answer: { readonly key: Uint8Array; readonly halves: Halves } | undefined

  constructor(number: number, isHybrid: boolean, random: Random) {
    this.#number = number
    this.#pair = prekeyPair(random.bytes(32))
    this.#kem = isHybrid ? kemPair(random.bytes(KEM_SEED_BYTES)) : undefined
    const question = { kind: 'rekey', number, key: this.#pair.publicKey } as const
    this.#frames = this.#kem
      ? halvesOf(this.#kem.publicKey).map((half) => ({ ...question, half }))
      : [question]
  }

  /** The frames that are not answered. They are the same until the exchange is over: the other side may have new keys already. */
  get open(): readonly Rekey[] {
    return this.#frames.filter(({ half }) => half === undefined || !this.#answer?.halves.has(half.part))
  }

  /** The first packet with the new keys carries it: the other side may use them too. */
  get confirmation(): Rekey {
    return this.#frames[0]!
  }

  /** Takes a part of the answer. Returns the new keys when it is complete. */
  take({ number, key, half }: Rekey, chain: KeyChain): ChannelKeys | undefined {
    if (number !== this.#number) return undefined
    if (this.#kem === undefined) return chain.next(this.#pair, key)
    if (half === undefined) return undefined
    if (this.#answer === undefined || !sameBytes(this.#answer.key, key))
      this.#answer = { key, halves: new Halves(KEM_CIPHERTEXT_BYTES) }
    this.#answer.halves.put(half)
    const ciphertext = this.#answer.halves.whole
    const kem = ciphertext && openKem(this.#kem, ciphertext)
    return kem && chain.next(this.#pair, key, kem)
  }
}
