/**
 * What must be true of a run, kept beside it in the simplest form: who said what to whom, who heard of whom, which tunnels
 * were agreed on and what went through them. It knows nothing of sessions, nodes or paths.
 */
import type { PeerId } from '../../shared/ids.ts'

/** A recipient holds a message back for its predecessor this long at least (shared/core/peer/inbox.ts). */
const HOLD_MS = 10_000
/** Until a tunnel whose HANDSHAKE has just died is led to another one, and data flows (shared/core/tunnel/attempts.ts). */
const LED_ANEW_MS = 12_000

interface Sent {
  readonly from: PeerId
  readonly to: PeerId
  /** Place among the messages of this sender to this recipient. */
  readonly number: number
  /** Which run of the sender it is of: order is kept within one. */
  readonly run: number
  readonly sentAt: number
  outcome: string | undefined
  deliveries: number
  /** Its sender ended before it heard what became of it: it may arrive or not, even after those of its next run. */
  orphaned: boolean
}

interface Agreed {
  readonly between: readonly PeerId[]
  /** When the first of them knew. */
  readonly since: number
  /** Who knows that it was agreed on. */
  readonly known: Set<PeerId>
  /** Who has got data through it. */
  readonly reached: Set<PeerId>
}

export class Model {
  readonly violations: string[] = []
  readonly #related: (a: PeerId, b: PeerId) => boolean
  readonly #now: () => number
  readonly #messages = new Map<string, Sent>()
  readonly #numbers = new Map<string, number>()
  readonly #runs = new Map<PeerId, number>()
  readonly #delivered = new Map<string, number>()
  readonly #agreedOn = new Set<string>()
  readonly #tunnels = new Map<string, Agreed>()
  /** Whose call ran out of time before they can have carried anything. */
  readonly #cutShort = new Set<string>()

  /** `related`: whether two peers share a network, by the tables. */
  constructor(related: (a: PeerId, b: PeerId) => boolean, now: () => number) {
    this.#related = related
    this.#now = now
  }

  /** A text that no other message of the run has. */
  nextText(from: PeerId, to: PeerId): string {
    const pair = `${from} ${to}`
    const number = (this.#numbers.get(pair) ?? 0) + 1
    this.#numbers.set(pair, number)
    const text = `${pair} ${number}`
    const run = this.#runs.get(from) ?? 0
    const sentAt = this.#now()
    this.#messages.set(text, {
      from,
      to,
      number,
      run,
      sentAt,
      outcome: undefined,
      deliveries: 0,
      orphaned: false,
    })
    return text
  }

  delivered(to: PeerId, from: PeerId, text: string): void {
    const message = this.#messages.get(text)
    if (message === undefined || message.to !== to || message.from !== from) {
      this.violated(`${short(to)} got "${short(text)}" as from ${short(from)}, which nobody sent`)
      return
    }
    if (++message.deliveries > 1) this.violated(`${named(message)} was delivered ${message.deliveries} times`)
    if (!this.#related(from, to)) this.violated(`${named(message)} crossed between strangers`)
    if (!message.orphaned) this.#checkOrder(message)
  }

  receipt(text: string, outcome: string): void {
    const message = this.#messages.get(text)
    if (message === undefined) throw new Error(`a receipt for ${text}`)
    message.outcome = outcome
    if (outcome === 'delivered' && message.deliveries === 0) {
      this.violated(`${named(message)} has the receipt \`delivered\` and was not delivered`)
    }
  }

  /** The observer was told of another peer, by presence or by an answer to a search. */
  heard(observer: PeerId, about: PeerId): void {
    if (observer !== about && !this.#related(observer, about)) {
      this.violated(`${short(observer)} heard of ${short(about)}, with whom it shares no network`)
    }
  }

  agreed(tunnel: string, self: PeerId, other: PeerId): void {
    if (!this.#agreedOn.has(tunnel)) {
      const between = [self, other]
      this.#tunnels.set(tunnel, { between, since: this.#now(), known: new Set(), reached: new Set() })
    }
    this.#agreedOn.add(tunnel)
    const agreed = this.#tunnels.get(tunnel)
    if (agreed?.between.includes(self) === false) {
      this.violated(`tunnel ${short(tunnel)} has a third end: ${short(self)}`)
    }
    agreed?.known.add(self)
  }

  carried(tunnel: string, to: PeerId): void {
    if (!this.#agreedOn.has(tunnel)) this.violated(`data of tunnel ${short(tunnel)}, on which nobody agreed`)
    this.#tunnels.get(tunnel)?.reached.add(to)
  }

  /**
   * The time that an application gave its call is up, and it was told so. True where that was too soon after the agreement
   * for another HANDSHAKE to be asked: the call has failed, and no tunnel is owed to anybody.
   */
  timedOut(tunnel: string): boolean {
    const since = this.#tunnels.get(tunnel)?.since ?? this.#now()
    const isTooSoon = this.#now() - since < LED_ANEW_MS
    if (isTooSoon) this.#cutShort.add(tunnel)
    return isTooSoon
  }

  /** It ended: what its tunnels have not carried yet they will not carry, what it has no receipt for it will not repeat. */
  vanished(peer: PeerId): void {
    this.#runs.set(peer, (this.#runs.get(peer) ?? 0) + 1)
    for (const message of this.#messages.values()) {
      if (message.from === peer && message.outcome === undefined) message.orphaned = true
    }
    for (const [tunnel, { between }] of this.#tunnels)
      if (between.includes(peer)) this.#tunnels.delete(tunnel)
  }

  /** Something that a scenario found by itself. */
  violated(what: string): void {
    this.violations.push(what)
  }

  /** Counts of messages. Unanswered: without a receipt, although the sender is still waiting for one. */
  get messages(): { sent: number; acknowledged: number; delivered: number; unanswered: number } {
    const all = [...this.#messages.values()]
    return {
      sent: all.length,
      acknowledged: all.filter(isAcknowledged).length,
      delivered: all.filter(({ deliveries }) => deliveries > 0).length,
      unanswered: all.filter(({ outcome, orphaned }) => outcome === undefined && !orphaned).length,
    }
  }

  /** At the end of a run in which everybody is back: every message has its receipt, and was delivered. */
  requireAllDelivered(): void {
    for (const message of this.#messages.values()) {
      if (message.orphaned) continue
      if (message.outcome === undefined) this.violated(`${named(message)} has no receipt`)
      if (message.deliveries === 0) this.violated(`${named(message)} was not delivered`)
    }
  }

  /**
   * Looks at the whole run when it is over. `waiting`: the texts that lie in mailboxes; what was acknowledged is delivered
   * or there. `alive`: peers that are still online; an agreed tunnel between two of those has carried data both ways.
   */
  conclude(waiting: ReadonlySet<string>, alive: ReadonlySet<PeerId>): void {
    for (const [text, message] of this.#messages) {
      const kept = message.deliveries > 0 || waiting.has(text)
      if (isAcknowledged(message) && !kept) this.violated(`${named(message)} was acknowledged and is lost`)
    }
    for (const [tunnel, agreed] of this.#tunnels) {
      const { between, reached } = agreed
      if (!between.every((peer) => alive.has(peer)) || !this.#isOwed(agreed)) continue
      if (this.#cutShort.has(tunnel)) continue
      for (const peer of between) {
        if (!reached.has(peer)) this.violated(`tunnel ${short(tunnel)} carried nothing to ${short(peer)}`)
      }
    }
  }

  /** An offer may be accepted after whoever made it is gone. */
  #isOwed({ between, known }: Agreed): boolean {
    return known.size === between.length || !between.some((peer) => this.#runs.has(peer))
  }

  #checkOrder(message: Sent): void {
    const { from, to, run, number, sentAt } = message
    const row = `${from} ${to} ${run}`
    const last = this.#delivered.get(row) ?? 0
    const isLate = this.#now() - sentAt > HOLD_MS
    if (number < last && !isLate) this.violated(`${named(message)} was delivered after number ${last}`)
    this.#delivered.set(row, Math.max(last, number))
  }
}

const isAcknowledged = ({ outcome }: Sent): boolean => outcome === 'delivered' || outcome === 'stored'

const named = ({ from, to, number }: Sent): string => `message ${number} from ${short(from)} to ${short(to)}`

const short = (id: string): string => id.slice(0, 8)
