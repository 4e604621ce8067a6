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
import { DAY_MS, PREKEY_MS } from './prekeys.ts'

/** Peers whose keys are remembered; the first of them is forgotten first. */
const MAX_KEPT = 10_000
/** Prekeys are replaced after a week: from this age on, the node is asked for the next one. */
const FRESH_MS = PREKEY_MS + DAY_MS
const ASK_AGAIN_MS = 3600_000
/** Its owner may have been away for as long as a mailbox keeps messages. */
const MAX_AGE_MS = FRESH_MS + LIMITS.mailboxMs
/** A node that does not answer is asked again. */
const REPEAT_MS = 4000
/** A message waits this long for the prekey of its recipient. */
const WAIT_MS = 5000
/** A peer without a prekey is asked for again after this time. */
const NONE_MS = 600_000
/** Delays between questions for another prekey than the one that its owner does not have. */
const RETRIES_MS = [500, 1000, 2000]
const NEVER = Number.POSITIVE_INFINITY

/** A key to seal for. */
export interface RecipientKey {
  /** Its number in the body of a message. */
  readonly number: number
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array
}

/** A question to the node. */
interface Question {
  /** Whether messages wait for the answer: nothing else is known to seal them for. */
  readonly blocks: boolean
  /** Number of the prekey that its owner does not have; 0 if another prekey is not needed. */
  readonly refused: number
  tries: number
  /** When it is sent (again). */
  dueAt: number
  /** When it was first sent. */
  sentAt: number | undefined
}

interface Known {
  readonly identity: RecipientKey
  prekey: (RecipientKey & Pick<Prekey, 'signedAt'>) | undefined
  question: Question | undefined
  /** When the next question is due at the earliest; 0 before the first. */
  askAt: number
}

export class RecipientKeys {
  readonly #known = new Map<PeerId, Known>()
  /** Peers with a question. */
  readonly #asked = new Map<PeerId, Known>()

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
    const isDue = age > FRESH_MS && now >= known.askAt && known.question === undefined
    if (isDue) this.#ask(peer, known, { blocks: usable === undefined && known.askAt === 0, refused: 0 }, now)
    return known.question?.blocks ? undefined : (usable ?? known.identity)
  }

  /** The recipient of a message does not have the key that it was sealed for: asks for another one. */
  refuse(peer: PeerId, number: number, now: number): void {
    const known = this.#of(peer)
    if (known?.prekey?.number !== number || known.question?.refused === number) return
    this.#ask(peer, known, { blocks: true, refused: number }, now)
  }

  /** Passes the questions that are due to `take`, until it returns false. */
  send(now: number, take: (question: PrekeyQuestion) => boolean): void {
    for (const [peer, { question, prekey }] of this.#asked) {
      if (question === undefined || question.dueAt > now) continue
      if (!take({ peer, known: prekey?.number ?? 0 })) return
      question.dueAt = now + REPEAT_MS
      question.sentAt ??= now
    }
  }

  /** Call with an answer of the node. One that was not asked for is ignored. */
  take({ peer, prekey: bytes }: PrekeyAnswer, now: number, nodeNow: number): void {
    const known = this.#asked.get(peer)
    if (known?.question === undefined) return
    known.prekey = acceptable(known, readPrekey(peer, bytes), nodeNow) ?? known.prekey
    const { question, prekey } = known
    const isSame = question.refused !== 0 && prekey?.number === question.refused
    const retryMs = isSame ? RETRIES_MS[question.tries++] : undefined
    if (retryMs !== undefined) question.dueAt = now + retryMs
    else this.#settle(peer, known, now)
  }

  /** Ends questions that were not answered in time: messages are sealed for the keys that are known. */
  expire(now: number): void {
    for (const [peer, known] of this.#asked) if (overdueAt(known) <= now) this.#settle(peer, known, now)
  }

  /** A new session sends the questions again. */
  restart(now: number): void {
    for (const { question } of this.#asked.values()) if (question !== undefined) question.dueAt = now
  }

  /** Time at which `send` has something to send. */
  deadline(): number {
    let least = NEVER
    for (const { question } of this.#asked.values()) least = Math.min(least, question?.dueAt ?? NEVER)
    return least
  }

  /** Time at which `expire` has something to do. */
  expiresAt(): number {
    let least = NEVER
    for (const known of this.#asked.values()) least = Math.min(least, overdueAt(known))
    return least
  }

  #ask(peer: PeerId, known: Known, what: Pick<Question, 'blocks' | 'refused'>, now: number): void {
    known.question = { ...what, tries: 0, dueAt: now, sentAt: undefined }
    this.#asked.set(peer, known)
  }

  #settle(peer: PeerId, known: Known, now: number): void {
    known.question = undefined
    known.askAt = now + (known.prekey === undefined ? NONE_MS : ASK_AGAIN_MS)
    this.#asked.delete(peer)
  }

  #of(peer: PeerId): Known | undefined {
    const kept = this.#known.get(peer)
    if (kept !== undefined) return kept
    const publicKey = staticPublicOf(publicKeyOf(peer))
    if (publicKey === undefined) return undefined
    const identity = { number: IDENTITY_KEY, publicKey }
    const known: Known = { identity, prekey: undefined, question: undefined, askAt: 0 }
    this.#known.set(peer, known)
    if (this.#known.size > MAX_KEPT) this.#forgetOne()
    return known
  }

  #forgetOne(): void {
    for (const peer of this.#known.keys()) {
      if (this.#asked.has(peer)) continue
      this.#known.delete(peer)
      return
    }
  }
}

const overdueAt = ({ question }: Known): number =>
  question?.sentAt === undefined ? NEVER : question.sentAt + WAIT_MS

/** The prekey as it is remembered; undefined if it is of the future, too old, or older than the one that is known. */
function acceptable(known: Known, prekey: Prekey | undefined, nodeNow: number): Known['prekey'] {
  if (prekey === undefined || prekey.signedAt < (known.prekey?.signedAt ?? 0)) return undefined
  const age = nodeNow - prekey.signedAt
  if (age > MAX_AGE_MS || age < -DAY_MS) return undefined
  return { number: prekeyNumber(prekey.key), publicKey: prekey.key, signedAt: prekey.signedAt }
}
