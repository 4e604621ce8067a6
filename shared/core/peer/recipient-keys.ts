/**
 * The keys of other peers that messages are sealed for: their prekeys, asked of the node once and remembered, or the key
 * of the peer's id if it has published none (wire README, section 3).
 */
import { staticPublicOf } from '../../crypto/identity.ts'
import { readPrekey } from '../../crypto/prekey.ts'
import { type PeerId, publicKeyOf } from '../../ids.ts'
import { LIMITS } from '../../limits.ts'
import { IDENTITY_KEY } from '../../wire/messages.ts'
import { type Prekey, type PrekeyAnswer, type PrekeyQuestion, prekeyNumber } from '../../wire/prekeys.ts'
import { PrekeyQuestions } from './prekey-questions.ts'
import { DAY_MS, PREKEY_MS } from './prekeys.ts'

/** Peers whose keys are remembered; the first of them is forgotten first. */
const MAX_KEPT = 10_000
/** Prekeys are replaced after a week: from this age on, the node is asked for the next one. */
const FRESH_MS = PREKEY_MS + DAY_MS
const ASK_AGAIN_MS = 3600_000
/** Its owner may have been away for as long as a mailbox keeps messages. */
const MAX_AGE_MS = FRESH_MS + LIMITS.mailboxMs
/** A peer without a prekey is asked for again after this time. */
const NONE_MS = 600_000

/** A key to seal for. */
export interface RecipientKey {
  /** Its number in the body of a message. */
  readonly number: number
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array
}

interface Known {
  readonly identity: RecipientKey
  prekey: (RecipientKey & Pick<Prekey, 'signedAt'>) | undefined
  /** Time at which the next question is due at the earliest; 0 before the first. */
  askAt: number
}

export class RecipientKeys {
  readonly #known = new Map<PeerId, Known>()
  readonly #questions = new PrekeyQuestions()

  /** The X25519 key of a peer's id; undefined if the id contains none. */
  identityOf(peer: PeerId): Uint8Array | undefined {
    return this.#of(peer)?.identity.publicKey
  }

  /** The key to seal a message for; undefined while messages wait for an answer, and for an id without a key. */
  find(peer: PeerId, now: number, nodeNow: number): RecipientKey | undefined {
    const known = this.#of(peer)
    if (known === undefined) return undefined
    const age = nodeNow - (known.prekey?.signedAt ?? Number.NEGATIVE_INFINITY)
    const usable = age <= MAX_AGE_MS ? known.prekey : undefined
    const isDue = age > FRESH_MS && now >= known.askAt && this.#questions.get(peer) === undefined
    const blocks = usable === undefined && known.askAt === 0
    if (isDue) this.#questions.ask(peer, { blocks, refused: 0 })
    return this.#questions.get(peer)?.blocks ? undefined : (usable ?? known.identity)
  }

  /** The recipient of a message does not have the key that it was sealed for: asks for another one. */
  refuse(peer: PeerId, number: number): void {
    if (this.#of(peer)?.prekey?.number !== number || this.#questions.get(peer)?.refused === number) return
    this.#questions.ask(peer, { blocks: true, refused: number })
  }

  /** Passes the questions that are due to `take`, until it returns false. */
  send(now: number, take: (question: PrekeyQuestion) => boolean): void {
    this.#questions.send(now, (peer) => take({ peer, known: this.#known.get(peer)?.prekey?.number ?? 0 }))
  }

  /** Call with an answer of the node. One that was not asked for is ignored. */
  take({ peer, prekey: bytes }: PrekeyAnswer, now: number, nodeNow: number): void {
    const [known, question] = [this.#known.get(peer), this.#questions.get(peer)]
    if (known === undefined || question === undefined) return
    known.prekey = acceptable(known, readPrekey(peer, bytes), nodeNow) ?? known.prekey
    const isSame = question.refused !== 0 && known.prekey?.number === question.refused
    this.#questions.answered(peer, isSame, now)
    if (this.#questions.get(peer) === undefined) settle(known, now)
  }

  /** Ends questions that were not answered in time: messages are sealed for the keys that are known. */
  expire(now: number): void {
    for (const peer of this.#questions.expire(now)) settle(this.#known.get(peer)!, now)
  }

  /** A new session sends the questions again. */
  restart(): void {
    this.#questions.restart()
  }

  /** Time at which `send` has something to send; 0 for now. */
  deadline(): number {
    return this.#questions.deadline()
  }

  /** Time at which `expire` has something to do. */
  expiresAt(): number {
    return this.#questions.expiresAt()
  }

  #of(peer: PeerId): Known | undefined {
    const kept = this.#known.get(peer)
    if (kept !== undefined) return kept
    const publicKey = staticPublicOf(publicKeyOf(peer))
    if (publicKey === undefined) return undefined
    const identity = { number: IDENTITY_KEY, publicKey }
    const known: Known = { identity, prekey: undefined, askAt: 0 }
    this.#known.set(peer, known)
    if (this.#known.size > MAX_KEPT) this.#forgetOne()
    return known
  }

  #forgetOne(): void {
    for (const peer of this.#known.keys()) {
      if (this.#questions.get(peer) !== undefined) continue
      this.#known.delete(peer)
      return
    }
  }
}

function settle(known: Known, now: number): void {
  known.askAt = now + (known.prekey === undefined ? NONE_MS : ASK_AGAIN_MS)
}

/** The prekey as it is remembered; undefined if it is of the future, too old, or older than the one that is known. */
function acceptable(known: Known, prekey: Prekey | undefined, nodeNow: number): Known['prekey'] {
  if (prekey === undefined || prekey.signedAt < (known.prekey?.signedAt ?? 0)) return undefined
  const age = nodeNow - prekey.signedAt
  if (age > MAX_AGE_MS || age < -DAY_MS) return undefined
  return { number: prekeyNumber(prekey.key), publicKey: prekey.key, signedAt: prekey.signedAt }
}
