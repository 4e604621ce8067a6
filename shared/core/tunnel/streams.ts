/**
 * Negotiates streams: STREAM_OPEN is retransmitted until the other side has accepted or refused, and a retransmission
 * gets the same answer. The bytes of a stream do not pass through this machine; they use the same socket beside the
 * tunnel's packets.
 */
import { LIMITS } from '../../limits.ts'
import type { Control } from '../../wire/tunnel.ts'
import type { TunnelEffect } from './events.ts'
import type { Outbox } from './outbox.ts'

const FIRST_REPEAT_MS = 250
const LAST_REPEAT_MS = 2000
/** An opening that the other side leaves unanswered for this long fails. */
export const STREAM_ANSWER_MS = 30_000
/** Limit of the openings that wait for an answer, in each direction, and of the remembered answers. */
const MAX_STREAMS = LIMITS.streams
const never = Number.POSITIVE_INFINITY

type StreamOpen = Extract<Control, { kind: 'streamOpen' }>
type Answer = Extract<Control, { kind: 'streamAccept' | 'streamRefuse' }>
export type StreamEvent = Extract<TunnelEffect, { kind: 'streamOpen' | 'streamAccepted' | 'streamRefused' }>

interface Opening {
  readonly frame: StreamOpen
  readonly since: number
  repeatMs: number
  dueAt: number
}

export class Streams {
  readonly #opening = new Map<number, Opening>()
  /** Streams that the other side opened: `undecided` until the application has answered. */
  readonly #asked = new Map<number, Answer | 'undecided'>()
  #answers: Answer[] = []
  readonly #outbox: Outbox

  constructor(outbox: Outbox) {
    this.#outbox = outbox
  }

  open(stream: number, key: Uint8Array, name: string, now: number): void {
    if (this.#opening.size >= MAX_STREAMS) {
      this.#outbox.put({ kind: 'streamRefused', stream, reason: 'too-many' })
      return
    }
    const frame: StreamOpen = { kind: 'streamOpen', stream, key, name }
    this.#opening.set(stream, { frame, since: now, repeatMs: FIRST_REPEAT_MS, dueAt: now })
  }

  /** Records the application's decision about a stream that the other side opened. */
  answer(answer: Answer): void {
    if (this.#asked.get(answer.stream) !== 'undecided') return
    this.#asked.set(answer.stream, answer)
    this.#answers.push(answer)
  }

  take(control: StreamOpen | Answer): void {
    if (control.kind === 'streamOpen') this.#onOpen(control)
    else if (this.#opening.delete(control.stream)) this.#outbox.put(answered(control))
  }

  /** Calls `send` for each frame that is due. */
  tick(send: (control: Control) => void, now: number): void {
    for (const answer of this.#answers) send(answer)
    this.#answers = []
    for (const [stream, opening] of this.#opening) {
      if (now - opening.since >= STREAM_ANSWER_MS) this.#giveUp(stream)
      else if (now >= opening.dueAt) repeat(opening, send, now)
    }
  }

  deadline(): number {
    let least = this.#answers.length > 0 ? Number.NEGATIVE_INFINITY : never
    for (const { dueAt } of this.#opening.values()) least = Math.min(least, dueAt)
    return least
  }

  /** Number of remembered openings and answers. */
  get kept(): number {
    return this.#opening.size + this.#asked.size + this.#answers.length
  }

  #onOpen(frame: StreamOpen): void {
    const known = this.#asked.get(frame.stream)
    if (known === 'undecided') return
    if (known !== undefined) this.#answers.push(known)
    else if (this.#makeRoom()) {
      this.#asked.set(frame.stream, 'undecided')
      this.#outbox.put(frame)
    } else this.#answers.push({ kind: 'streamRefuse', stream: frame.stream, reason: 'too-many' })
  }

  /** Forgets the oldest answer; undecided streams are kept. */
  #makeRoom(): boolean {
    if (this.#asked.size < MAX_STREAMS) return true
    for (const [stream, answer] of this.#asked) {
      if (answer !== 'undecided') return this.#asked.delete(stream)
    }
    return false
  }

  #giveUp(stream: number): void {
    this.#opening.delete(stream)
    this.#outbox.put({ kind: 'streamRefused', stream, reason: 'timeout' })
  }
}

function repeat(opening: Opening, send: (control: Control) => void, now: number): void {
  send(opening.frame)
  opening.dueAt = now + opening.repeatMs
  opening.repeatMs = Math.min(2 * opening.repeatMs, LAST_REPEAT_MS)
}

function answered(answer: Answer): StreamEvent {
  if (answer.kind === 'streamAccept')
    return { kind: 'streamAccepted', stream: answer.stream, accepter: answer.accepter }
  const { stream, reason } = answer
  return { kind: 'streamRefused', stream, ...(reason && { reason }) }
}
