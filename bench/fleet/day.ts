/** Plays an ordinary day of a fleet: its peers do what `infra/load.ts` describes. */
import { STREAMS } from '../../infra/functions.ts'
import { TYPICAL } from '../../infra/load.ts'
import { SIGN_INS } from '../../infra/usage.ts'
import type { FleetSize } from './bench.ts'
import type { Fleet } from './fleet.ts'
import type { BenchPeer, Population } from './population.ts'

/** Time from a sign-out to the next sign-in of the peer, if all peers sign in. If fewer do, each is away for less. */
const AWAY_SECONDS = 60
const SHORTEST_SECONDS = 2
const DAY = 86_400

interface Talk {
  readonly from: BenchPeer
  readonly to: BenchPeer
  readonly left: number
  /** Time of the next message, in seconds. */
  readonly at: number
}

export class Day {
  readonly done = { signIns: 0, signOuts: 0, statuses: 0, messages: 0 }
  deliveredBefore = 0
  readonly #fleet: Fleet
  readonly #population: Population
  readonly #nodes: number
  readonly #isSample: boolean
  readonly #awaySeconds: number
  readonly #leaves: Pace
  readonly #changes: Pace
  readonly #conversations: Pace
  readonly #mail: Pace
  readonly #away: { readonly peer: BenchPeer; readonly until: number }[] = []
  #talks: Talk[] = []

  /** The day begins at `start`, in seconds. */
  constructor(
    fleet: Fleet,
    population: Population,
    { peers, nodes }: Pick<FleetSize, 'peers' | 'nodes'>,
    start: number,
  ) {
    this.#fleet = fleet
    this.#population = population
    this.#nodes = nodes
    this.#isSample = peers > population.peers.length && population.peers.length > population.networkSize
    this.#awaySeconds = Math.max(SHORTEST_SECONDS, (AWAY_SECONDS * population.peers.length) / peers)
    const { transitionsPerDay, messagesPerDay, messagesPerConversation, secondsBetweenMessages, mailShare } =
      TYPICAL
    const rate = (perDay: number) => (peers * perDay) / DAY
    const conversations = rate(messagesPerDay / messagesPerConversation)
    this.#leaves = new Pace(rate(transitionsPerDay * SIGN_INS))
    this.#changes = new Pace(rate(transitionsPerDay * (1 - 2 * SIGN_INS)))
    this.#conversations = new Pace(conversations)
    this.#mail = new Pace(rate(messagesPerDay * mailShare))
    // The conversations that are under way.
    for (let i = Math.round(conversations * messagesPerConversation * secondsBetweenMessages); i > 0; i--)
      this.#talk(
        Math.ceil(Math.random() * messagesPerConversation),
        start + Math.random() * secondsBetweenMessages,
      )
  }

  /** Counts from now on. */
  reset(): void {
    Object.assign(this.done, { signIns: 0, signOuts: 0, statuses: 0, messages: 0 })
    this.deliveredBefore = this.#fleet.side.delivered
  }

  /** Begins what happens in the quarter of a second at `at`. */
  begin(at: number): void {
    const { side, now } = this.#fleet
    for (let i = this.#leaves.next(); i > 0; i--) {
      const peer = this.#somebody('moves')
      side.signOut(peer, this.#fleet.outOf(peer.at), now)
      this.#away.push({ peer, until: at + this.#awaySeconds })
      this.done.signOuts++
    }
    while (this.#away[0] !== undefined && this.#away[0].until <= at) {
      const { peer } = this.#away.shift()!
      const node = Math.floor(Math.random() * this.#nodes)
      side.signIn(peer, node, this.#fleet.outOf(node), now)
      this.done.signIns++
    }
    for (let i = this.#changes.next(); i > 0; i--) {
      const peer = this.#somebody('moves')
      side.setStatus(peer, peer.version % 2 ? 'away' : 'online', this.#fleet.outOf(peer.at), now)
      this.done.statuses++
    }
    for (let i = this.#conversations.next(); i > 0; i--) this.#talk(TYPICAL.messagesPerConversation, at)
    this.#speak(at)
    for (let i = this.#mail.next(); i > 0 && this.#away.length > 0; i--) {
      const { peer } = this.#away[Math.floor(Math.random() * this.#away.length)]!
      const from = this.#population.neighbourOf(peer)
      side.message(from, peer, this.#fleet.outOf(from.at), now)
    }
  }

  #talk(left: number, at: number): void {
    const from = this.#somebody('talks')
    this.#talks.push({ from, to: this.#population.neighbourOf(from), left, at })
  }

  /** Sends the messages that are due. The two sides take turns. */
  #speak(at: number): void {
    const talks = this.#talks
    this.#talks = []
    for (const talk of talks) {
      if (talk.at > at) {
        this.#talks.push(talk)
        continue
      }
      const { from, to, left } = talk
      this.#fleet.side.message(from, to, this.#fleet.outOf(from.at), this.#fleet.now)
      this.done.messages++
      if (left > 1)
        this.#talks.push({ from: to, to: from, left: left - 1, at: talk.at + TYPICAL.secondsBetweenMessages })
    }
  }

  /**
   * Returns a peer that is signed in. In a sample one half of the networks moves and changes its status, and the other half
   * talks. Of all peers, fewer than one in a hundred leaves during a conversation. In a sample that did the work of fifty times
   * as many, a third would, and each time the other side would have to be looked up.
   */
  #somebody(does: 'moves' | 'talks'): BenchPeer {
    const { peers, networkSize } = this.#population
    const half = does === 'moves' ? 0 : 1
    for (;;) {
      const peer = peers[Math.floor(Math.random() * peers.length)]!
      const isOfHalf = Math.floor(peer.number / networkSize) % 2 === half
      if (peer.session !== undefined && (isOfHalf || !this.#isSample)) return peer
    }
  }
}

/** Spreads events evenly over the quarters of seconds, also at a rate of less than one. */
class Pace {
  readonly #perQuarter: number
  #due = 0

  constructor(perSecond: number) {
    this.#perQuarter = perSecond / STREAMS.pollsPerSecond
  }

  next(): number {
    this.#due += this.#perQuarter
    const whole = Math.floor(this.#due)
    this.#due -= whole
    return whole
  }
}
