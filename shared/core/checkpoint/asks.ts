/**
 * Requests to the directory and the callbacks for their replies. ASKS_UNDER_WAY are in progress, the others wait. A failed
 * write of the kinds in LASTING is retried every second until it succeeds: it is conditional, so a late or repeated write does
 * no harm. Any other failure is reported to the caller.
 */
import type { DirectoryReply, DirectoryRequest } from '../../directory.ts'
import { DelayLine } from '../session/delay-line.ts'
import { Queue } from '../session/queue.ts'
import type { CheckpointCounters } from './counters.ts'

type Kind = DirectoryRequest['kind']
export type ReplyTo<K extends Kind> = Extract<DirectoryReply, { kind: K | 'failed' }>

/** Kinds of requests that are retried until they succeed. */
const LASTING: ReadonlySet<Kind> = new Set<Kind>([
  'signIn',
  'update',
  'signOut',
  'discardMail',
  'joinNetworks',
  'leaveNetworks',
])
/**
 * Maximum number of requests in progress. Their calls must find a free connection to the tables: ASK_MS begins when a
 * request is made, and a call that waits for a connection is no sign that the tables are slow.
 */
export const ASKS_UNDER_WAY = 128
const WAITING = 2_000_000
/** A request without a reply for this long has failed. Its caller then gives up the call, too. */
export const ASK_MS = 10_000
const RETRY_MS = 1000

export interface AskEffect {
  readonly kind: 'ask'
  readonly id: number
  readonly request: DirectoryRequest
}

interface Ask {
  readonly request: DirectoryRequest
  readonly answered: (reply: DirectoryReply, now: number) => void
}

export class Asks {
  readonly #counters: CheckpointCounters
  readonly #underWay = new Map<number, Ask>()
  readonly #timeouts = new DelayLine<number>(ASK_MS)
  readonly #retries = new DelayLine<Ask>(RETRY_MS)
  readonly #waiting = new Queue<Ask>()
  readonly #effects = new Queue<AskEffect>()
  #nextId = 1

  constructor(counters: CheckpointCounters) {
    this.#counters = counters
  }

  /**
   * Queues a request. `answered` is called once, with a reply of the request's own kind or with `failed`. A lasting request
   * fails only if too many requests are waiting.
   */
  ask<K extends Kind>(
    request: Extract<DirectoryRequest, { kind: K }>,
    answered: (reply: ReplyTo<K>, now: number) => void,
    now: number,
  ): void {
    const asked: Ask = { request, answered: answered as Ask['answered'] }
    if (this.#waiting.size < WAITING) this.#waiting.put(asked)
    else asked.answered({ kind: 'failed', detail: 'too many requests' }, now)
  }

  resolve(id: number, reply: DirectoryReply, now: number): void {
    const asked = this.#underWay.get(id)
    if (asked === undefined) return
    this.#underWay.delete(id)
    const failed = reply.kind !== asked.request.kind
    if (failed) this.#counters.failedAsks++
    if (failed && LASTING.has(asked.request.kind)) this.#retries.put(asked, now)
    else asked.answered(failed ? { kind: 'failed', detail: detailOf(reply) } : reply, now)
  }

  tick(now: number): void {
    for (let id = this.#timeouts.take(now); id !== undefined; id = this.#timeouts.take(now)) {
      this.resolve(id, { kind: 'failed', detail: 'no answer in time' }, now)
    }
    for (let again = this.#retries.take(now); again !== undefined; again = this.#retries.take(now)) {
      this.#waiting.put(again)
    }
  }

  /** Starts waiting requests, up to ASKS_UNDER_WAY at a time. */
  flush(now: number): void {
    while (this.#waiting.size > 0 && this.#underWay.size < ASKS_UNDER_WAY) {
      const asked = this.#waiting.take()!
      const id = this.#nextId++
      this.#underWay.set(id, asked)
      this.#timeouts.put(id, now)
      this.#counters.asks++
      this.#effects.put({ kind: 'ask', id, request: asked.request })
    }
  }

  deadline(): number {
    return Math.min(this.#timeouts.deadline(), this.#retries.deadline())
  }

  poll(): AskEffect | undefined {
    return this.#effects.take()
  }
}

const detailOf = (reply: DirectoryReply): string => (reply.kind === 'failed' ? reply.detail : 'another reply')
