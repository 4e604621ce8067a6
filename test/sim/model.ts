/**
 * The reference model: what must be true of a run, recorded beside it in the simplest form. It records messages, which peers
 * heard of whom, the agreed tunnels, and the data that went through them. It knows nothing about sessions, nodes or paths.
 */
import type { PeerId } from '../../shared/ids.ts'

/** Minimum time that a recipient holds a message back for its predecessor (shared/core/peer/inbox.ts). */
const HOLD_MS = 10_000
/**
 * Time until a tunnel whose HANDSHAKE has just died has moved to another one and data flows (shared/core/tunnel/attempts.ts).
 */
const LED_ANEW_MS = 12_000

interface Sent {
  readonly from: PeerId
  readonly to: PeerId
  /** Position among the messages from this sender to this recipient. */
  readonly number: number
  /** The run of the sender that it belongs to. Order is kept within a run. */
  readonly run: number
  readonly sentAt: number
  outcome: string | undefined
  deliveries: number
  /**
   * True if its sender ended before it got a receipt. Such a message may arrive or not, even after messages of the next run.
   */
  orphaned: boolean
}

interface Agreed {
  readonly between: readonly PeerId[]
  /** Time at which the first of the two peers knew. */
  readonly since: number
  /** Peers that know of the agreement. */
  readonly known: Set<PeerId>
  /** Peers that have received data through it. */
  readonly reached: Set<PeerId>
}

export class Model {
  readonly violations: string[] = []
  readonly #related: (a: PeerId, b: PeerId) => boolean
  readonly #now: () => number
  readonly #messages = new Map<string, Sent>()
  readonly #forgotten = { sent: 0, acknowledged: 0, delivered: 0 }
  readonly #numbers = new Map<string, number>()
  readonly #runs = new Map<PeerId, number>()
  readonly #delivered = new Map<string, number>()
  readonly #agreedOn = new Set<string>()
  readonly #tunnels = new Map<string, Agreed>()
  /** Tunnels whose call timed out before they can have carried anything. */
  readonly #cutShort = new Set<string>()

  /** `related` tells whether two peers share a network, according to the tables. */
  constructor(related: (a: PeerId, b: PeerId) => boolean, now: () => number) {
    this.#related = related
    this.#now = now
  }

  /** Returns a text that no other message of the run has. */
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

  /** Records that the observer was told about another peer, by presence or by a search result. */
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
   * Records that an application's call timed out, and that it was told. True if this was too soon after the agreement for
   * another HANDSHAKE to be tried. The call has then failed, and neither peer is owed a tunnel.
   */
  timedOut(tunnel: string): boolean {
    const since = this.#tunnels.get(tunnel)?.since ?? this.#now()
    const isTooSoon = this.#now() - since < LED_ANEW_MS
    if (isTooSoon) this.#cutShort.add(tunnel)
    return isTooSoon
  }

  /** Records that a peer ended. Its tunnels carry nothing more, and it does not retransmit messages without a receipt. */
  vanished(peer: PeerId): void {
    this.#runs.set(peer, (this.#runs.get(peer) ?? 0) + 1)
    for (const message of this.#messages.values()) {
      if (message.from === peer && message.outcome === undefined) message.orphaned = true
    }
    for (const [tunnel, { between }] of this.#tunnels)
      if (between.includes(peer)) this.#tunnels.delete(tunnel)
  }

  /** Records a violation that a scenario found itself. */
  violated(what: string): void {
    this.violations.push(what)
  }

  /** Message counts. `unanswered`: without a receipt, although the sender is still waiting for one. */
  get messages(): { sent: number; acknowledged: number; delivered: number; unanswered: number } {
    const all = [...this.#messages.values()]
    const { sent, acknowledged, delivered } = this.#forgotten
    return {
      sent: sent + all.length,
      acknowledged: acknowledged + all.filter(isAcknowledged).length,
      delivered: delivered + all.filter(({ deliveries }) => deliveries > 0).length,
      unanswered: all.filter(({ outcome, orphaned }) => outcome === undefined && !orphaned).length,
    }
  }

  /**
   * Forgets the messages that are over: delivered or refused, and either answered or orphaned. Their number stays. A message that
   * is delivered again afterwards is one that nobody sent.
   */
  forget(): void {
    for (const [text, message] of this.#messages) {
      const { outcome, orphaned, deliveries } = message
      const isOver = deliveries > 0 ? outcome !== undefined || orphaned : isRefused(message)
      if (!isOver) continue
      this.#messages.delete(text)
      this.#forgotten.sent++
      if (isAcknowledged(message)) this.#forgotten.acknowledged++
      if (deliveries > 0) this.#forgotten.delivered++
    }
    for (const row of this.#delivered.keys()) {
      const [from, , run] = row.split(' ')
      if (Number(run) < (this.#runs.get(from as PeerId) ?? 0) - 1) this.#delivered.delete(row)
    }
  }

  /** Requires a receipt and a delivery for every message. For the end of a run in which every peer is back. */
  requireAllDelivered(): void {
    for (const message of this.#messages.values()) {
      if (message.orphaned) continue
      if (message.outcome === undefined) this.violated(`${named(message)} has no receipt`)
      if (message.deliveries === 0) this.violated(`${named(message)} was not delivered`)
    }
  }

  /**
   * Checks the whole run when it is over. An acknowledged message must be delivered or in a mailbox. A tunnel agreed between
   * two peers that are still online must have carried data both ways.
   *
   * `waiting`: the texts in mailboxes. `alive`: the peers that are still online.
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

  /**
   * True if the tunnel must have worked: both peers learned of the agreement, or neither ever ended. An offer may be accepted
   * after its sender is gone.
   */
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

const isRefused = ({ outcome }: Sent): boolean =>
  outcome !== undefined && outcome !== 'delivered' && outcome !== 'stored'

const named = ({ from, to, number }: Sent): string => `message ${number} from ${short(from)} to ${short(to)}`

const short = (id: string): string => id.slice(0, 8)
