/** Answers the exchanges of keys that the other side begins. */
import type { ChannelKeys } from '../../crypto/channel.ts'
import { sameBytes } from '../../crypto/hash.ts'
import { prekeyPair } from '../../crypto/prekey.ts'
import type { Random } from '../../crypto/random.ts'
import { answerKem, KEM_KEY_BYTES, type KemSecret, type KeyChain } from '../../crypto/rekey.ts'
import type { Rekey } from '../../wire/tunnel.ts'
import { Halves, halvesOf } from './halves.ts'

interface Asked {
  readonly number: number
  readonly key: Uint8Array
}

export class RekeyAnswers {
  readonly #random: Random
  /** The halves of a hybrid question so far. */
  #asked: (Asked & { readonly halves: Halves }) | undefined
  /** The last question that was answered, with the answer. */
  #answered: (Asked & { readonly frames: readonly Rekey[] }) | undefined

  constructor(random: Random) {
    this.#random = random
  }

  /** The frames that answer this one: those of the whole answer when it completes the question, its own when it is repeated. */
  to(question: Rekey): readonly Rekey[] {
    const answered = this.#answered
    if (answered === undefined || !isSame(answered, question)) return []
    return answered.frames.filter(({ half }) => half?.part === question.half?.part)
  }

  /** Takes a part of the next question. Returns the new keys and the answer when it is complete. */
  take(
    question: Rekey,
    isHybrid: boolean,
    chain: KeyChain,
  ): { readonly keys: ChannelKeys; readonly frames: readonly Rekey[] } | undefined {
    const kem = isHybrid ? this.#agree(question) : undefined
    if (isHybrid && kem === undefined) return undefined
    const pair = prekeyPair(this.#random.bytes(32))
    const keys = chain.next(pair, question.key, kem)
    if (keys === undefined) return undefined
    const { number } = question
    const answer = { kind: 'rekeyed', number, key: pair.publicKey } as const
    const frames = kem ? halvesOf(kem.ciphertext).map((half) => ({ ...answer, half })) : [answer]
    this.#answered = { number, key: question.key, frames }
    this.#asked = undefined
    return { keys, frames }
  }

  #agree(question: Rekey): KemSecret | undefined {
    const { number, key, half } = question
    if (half === undefined) return undefined
    if (this.#asked === undefined || !isSame(this.#asked, question))
      this.#asked = { number, key, halves: new Halves(KEM_KEY_BYTES) }
    this.#asked.halves.put(half)
    const publicKey = this.#asked.halves.whole
    return publicKey && answerKem(publicKey, this.#random.bytes(32))
  }
}

const isSame = (asked: Asked, { number, key }: Rekey): boolean =>
  asked.number === number && sameBytes(asked.key, key)
