/**
 * The questions for prekeys that are open at the node: when each is sent, sent again, and given up. There may be ten
 * thousand of them after a first message to many, so each call costs in proportion to the questions that it moves.
 *
 * A node that has too many requests drops a question without a word. So a question is repeated while the node answers
 * others, and given up early only if the node answers none.
 */
import type { PeerId } from '../../ids.ts'

/** A question without an answer is sent again after this time. */
const REPEAT_MS = 2500
/** A node that answers nothing for this long does not know the question, or reads no tables. */
export const SILENT_MS = 5000
/** A question is given up after it was sent this often, although the node answers others. */
const MOST_SENDS = 6
/** Delay before the node is asked again for another prekey than the one that its owner does not have. */
const RETRY_MS = 1000
/** The owner of the prekey publishes another one within this number of seconds. */
const MOST_RETRIES = 3
const NEVER = Number.POSITIVE_INFINITY

interface Question {
  /** True if messages wait for the answer: nothing else is known to seal them for. */
  readonly blocks: boolean
  /** Number of the prekey that its owner does not have; 0 if another prekey is not needed. */
  readonly refused: number
  retries: number
  sends: number
  /** Time at which it was first sent in this session. */
  sentAt: number
}

export class PrekeyQuestions {
  readonly #open = new Map<PeerId, Question>()
  /** Every open question is in one of these three, the first due first. */
  readonly #unsent = new Set<PeerId>()
  /** The time at which the question is repeated or given up. */
  readonly #sent = new Map<PeerId, number>()
  /** The time at which an answered question is sent once more. */
  readonly #retried = new Map<PeerId, number>()
  #heardAt = Number.NEGATIVE_INFINITY

  get(peer: PeerId): Pick<Question, 'blocks' | 'refused'> | undefined {
    return this.#open.get(peer)
  }

  ask(peer: PeerId, what: Pick<Question, 'blocks' | 'refused'>): void {
    this.close(peer)
    this.#open.set(peer, { ...what, retries: 0, sends: 0, sentAt: 0 })
    this.#unsent.add(peer)
  }

  close(peer: PeerId): void {
    this.#open.delete(peer)
    this.#leave(peer)
  }

  /** Passes the questions that are due to `take`, until it returns false. */
  send(now: number, take: (peer: PeerId) => boolean): void {
    for (const [peer, at] of this.#retried) {
      if (at > now) break
      this.#retried.delete(peer)
      this.#unsent.add(peer)
    }
    for (const peer of this.#unsent) {
      if (!take(peer)) return
      const question = this.#open.get(peer)!
      if (question.sends++ === 0) question.sentAt = now
      this.#unsent.delete(peer)
      this.#sent.set(peer, now + REPEAT_MS)
    }
  }

  /** The node has answered. Closes the question, unless it is sent again because the answer `isSame` as the refused key. */
  answered(peer: PeerId, isSame: boolean, now: number): void {
    this.#heardAt = now
    const question = this.#open.get(peer)
    if (question === undefined) return
    if (!isSame || question.retries++ >= MOST_RETRIES) {
      this.close(peer)
      return
    }
    this.#leave(peer)
    this.#retried.set(peer, now + RETRY_MS)
  }

  /** Closes the questions that are given up, and returns their peers. */
  expire(now: number): PeerId[] {
    const over: PeerId[] = []
    for (const [peer, at] of this.#sent) {
      if (at > now) break
      if (this.#isHopeless(this.#open.get(peer)!, now)) over.push(peer)
      else this.#unsent.add(peer)
      this.#sent.delete(peer)
    }
    for (const peer of over) this.close(peer)
    return over
  }

  /** A new session, perhaps with another node, sends the questions again. */
  restart(): void {
    for (const [peer, question] of this.#open) {
      question.sends = 0
      this.#leave(peer)
      this.#unsent.add(peer)
    }
  }

  /** Time at which `send` has something to send; 0 for now. */
  deadline(): number {
    return this.#unsent.size > 0 ? 0 : firstOf(this.#retried)
  }

  /** Time at which `expire` has something to do. */
  expiresAt(): number {
    return firstOf(this.#sent)
  }

  #isHopeless({ sends, sentAt }: Question, now: number): boolean {
    const isSilent = now - Math.max(sentAt, this.#heardAt) >= SILENT_MS
    return sends >= MOST_SENDS || (sends > 1 && isSilent)
  }

  #leave(peer: PeerId): void {
    this.#unsent.delete(peer)
    this.#sent.delete(peer)
    this.#retried.delete(peer)
  }
}

function firstOf(times: ReadonlyMap<PeerId, number>): number {
  for (const at of times.values()) return at
  return NEVER
}
