/**
 * Checks the messages of a history.
 *
 *   once       each message arrives at most once, over all runs of its recipient
 *   kept       a message that was acknowledged (`delivered`, `stored`) arrives before the history ends
 *   in order   messages of one run of a sender arrive in the order of their calls. One that was given up may be late if its
 *              recipient has restarted since it received a later one. A message of an earlier run that was
 *              acknowledged before the later run began arrives first
 *   refused    a message with a final refusal never arrives
 *   blocked    a message that was sent during a block does not arrive during it. A stored one may be discarded
 *   settled    every promise settles
 */
import type { Entry, EntryOf } from '../history.ts'
import { Ran } from './ran.ts'
import type { Violation, ViolationKind } from './violation.ts'

/** Errors after which a message never arrives. After `timeout` and `closed` it may. */
const FINAL = new Set([
  'unknown-peer',
  'mailbox-full',
  'unreadable',
  'too-large',
  'bad-request',
  'rate-limited',
  'forbidden',
])
const ACKNOWLEDGED = new Set(['delivered', 'stored'])
const GIVEN_UP = new Set(['timeout', 'closed'])
/** A block is in force at every node this long after it was acknowledged, and it is over this long after its end was. */
const BLOCKED_AFTER_MS = 2_000

interface Message {
  readonly sent: EntryOf<'sent'>
  /** Place among the messages of its sender's run. */
  readonly place: number
  settled?: EntryOf<'settled'>
  received?: EntryOf<'received'>
  /** Run of the recipient that received it. */
  receivedIn?: number
}

interface Block {
  readonly user: string
  readonly blocked: string
  /** Time at which it was acknowledged; infinity if it was not. */
  madeAt: number
  /** When its end was asked for, and acknowledged. */
  certainUntil: number
  endedAt: number
}

export interface MessageFigures {
  readonly sent: number
  readonly acknowledged: number
  readonly received: number
  /** How promises settled: outcome or code to number. */
  readonly outcomes: Readonly<Record<string, number>>
}

export function checkMessages(entries: readonly Entry[]): {
  figures: MessageFigures
  violations: Violation[]
} {
  const check = new MessageCheck(new Ran(entries))
  for (const entry of entries) check.take(entry)
  return check.end()
}

class MessageCheck {
  readonly #messages = new Map<string, Message>()
  readonly #places = new Map<string, number>()
  readonly #userOf = new Map<string, string>()
  readonly #blocks: Block[] = []
  /** Start of each run of a peer. */
  readonly #runs = new Map<string, number>()
  /** Current run of each peer. */
  readonly #runOf = new Map<string, number>()
  /** The last message that arrived, for each sender, recipient and run. */
  readonly #arrived = new Map<string, Map<number, Message>>()
  readonly #violations: Violation[] = []
  readonly #ran: Ran

  constructor(ran: Ran) {
    this.#ran = ran
  }

  take(entry: Entry): void {
    switch (entry.kind) {
      case 'joined':
        this.#userOf.set(entry.peer, entry.user)
        this.#runOf.set(entry.peer, entry.run)
        this.#runs.set(`${entry.peer} ${entry.run}`, entry.at)
        break
      case 'sent':
        this.#sent(entry)
        break
      case 'settled':
        this.#settled(entry)
        break
      case 'received':
        this.#received(entry)
        break
      case 'writes':
      case 'wrote':
        this.#written(entry)
    }
  }

  end(): { figures: MessageFigures; violations: Violation[] } {
    const outcomes: Record<string, number> = {}
    let [acknowledged, received] = [0, 0]
    for (const message of this.#messages.values()) {
      const { sent, settled } = message
      if (message.received !== undefined) received++
      if (settled === undefined) {
        this.#add('unsettled', sent.at, `${told(sent)} has no outcome`)
        continue
      }
      outcomes[settled.outcome] = (outcomes[settled.outcome] ?? 0) + 1
      if (ACKNOWLEDGED.has(settled.outcome)) acknowledged++
      this.#judge(message, settled)
    }
    return {
      figures: { sent: this.#messages.size, acknowledged, received, outcomes },
      violations: this.#violations,
    }
  }

  #sent(sent: EntryOf<'sent'>): void {
    const run = `${sent.from} ${sent.run}`
    const place = (this.#places.get(run) ?? 0) + 1
    this.#places.set(run, place)
    this.#messages.set(sent.id, { sent, place })
  }

  #settled(settled: EntryOf<'settled'>): void {
    const message = this.#messages.get(settled.id)
    if (message !== undefined) message.settled ??= settled
  }

  #received(received: EntryOf<'received'>): void {
    const message = this.#messages.get(received.id)
    if (message === undefined || message.sent.to !== received.by) {
      this.#add('invented', received.at, `${received.by} received ${received.id}, which is not for it`)
      return
    }
    if (message.received !== undefined) {
      const before = Math.round(received.at - message.received.at)
      this.#add('duplicated', received.at, `${told(message.sent)} arrived again after ${before} ms`)
      return
    }
    message.received = received
    message.receivedIn = this.#runOf.get(received.by) ?? 0
    this.#inOrder(message, received.at)
    for (const block of this.#blocks)
      if (
        this.#concerns(block, message.sent) &&
        this.#isPast(block.madeAt, message.sent.at) &&
        received.at < block.certainUntil
      )
        this.#add('blockedDelivered', received.at, `${told(message.sent)} arrived during a block`)
  }

  #inOrder(message: Message, at: number): void {
    const { from, to, run } = message.sent
    const key = `${from} ${to}`
    const runs = this.#arrived.get(key) ?? new Map<number, Message>()
    this.#arrived.set(key, runs)
    const last = runs.get(run)
    if (last === undefined || last.place < message.place) runs.set(run, message)
    else if (!mayBeLate(message, last))
      this.#add('reordered', at, `${told(message.sent)} arrived after ${told(last.sent)}`)
    for (const [other, later] of runs) if (other > run) this.#earlierRun(message, later, at)
  }

  /** A message of an earlier run arrives after one of a later run. */
  #earlierRun(message: Message, later: Message, at: number): void {
    const { sent, settled } = message
    const began = this.#runs.get(`${sent.from} ${later.sent.run}`) ?? Number.NEGATIVE_INFINITY
    if (settled !== undefined && ACKNOWLEDGED.has(settled.outcome) && settled.at < began)
      this.#add(
        'reordered',
        at,
        `${told(sent)} of run ${sent.run} arrived after ${told(later.sent)} of a later run`,
      )
  }

  #judge(message: Message, { at, outcome }: EntryOf<'settled'>): void {
    const { sent, received } = message
    if (FINAL.has(outcome) && received !== undefined)
      this.#add('refusedDelivered', received.at, `${told(sent)} arrived, and its outcome is ${outcome}`)
    if (!ACKNOWLEDGED.has(outcome) || received !== undefined) return
    const mayBeDiscarded =
      outcome === 'stored' &&
      this.#blocks.some((block) => this.#concerns(block, sent) && !this.#isPast(block.endedAt, sent.at))
    if (!mayBeDiscarded) this.#add('lost', at, `${told(sent)} was ${outcome} and never arrived`)
  }

  /** Blocks are keys `block/USER/BLOCKED` with the values `yes` and `no`. */
  #written({ kind, at, key, value }: EntryOf<'writes' | 'wrote'>): void {
    const [what, user, blocked] = key.split('/')
    if (what !== 'block' || user === undefined || blocked === undefined) return
    const last = this.#blocks.findLast((block) => block.user === user && block.blocked === blocked)
    const never = Number.POSITIVE_INFINITY
    if (value === 'yes' && kind === 'writes')
      this.#blocks.push({
        user,
        blocked,
        madeAt: never,
        certainUntil: never,
        endedAt: never,
      })
    else if (last === undefined) return
    else if (value === 'yes') last.madeAt = at
    else if (kind === 'writes') last.certainUntil = Math.min(last.certainUntil, at)
    else last.endedAt = at
  }

  /** True if what was acknowledged at one time is in force everywhere at another one. */
  #isPast(acknowledgedAt: number, at: number): boolean {
    return acknowledgedAt < at && this.#ran.between(acknowledgedAt, at) > BLOCKED_AFTER_MS
  }

  #concerns({ user, blocked }: Block, { from, to }: EntryOf<'sent'>): boolean {
    return this.#userOf.get(from) === blocked && this.#userOf.get(to) === user
  }

  #add(kind: ViolationKind, at: number, what: string): void {
    this.#violations.push({ kind, at, what })
  }
}

/** The recipient forgets what was given up when it restarts. */
const mayBeLate = ({ settled, receivedIn }: Message, later: Message): boolean =>
  settled !== undefined && GIVEN_UP.has(settled.outcome) && receivedIn !== later.receivedIn

const told = ({ id, from, to }: EntryOf<'sent'>): string => `message ${id} from ${from} to ${to}`
