/**
 * The last stretch of a message: to a peer that is signed in here, or into its mailbox where anything is in that. A node
 * never acknowledges on its own: a receipt is the peer's, or the table's.
 */
import { encodeMessage, type Receipt } from '../../wire/messages.ts'
import { FRAME } from '../../wire/numbers.ts'
import { type Inflow, type Letter, letterKey, newInflow, predecessorOf } from './inflow.ts'
import type { Mailboxes } from './mailboxes.ts'
import type { PeerSession } from './peer-session.ts'
import type { Reach } from './reach.ts'
import type { Receipts } from './receipts.ts'
import type { SessionTable } from './session-table.ts'

/** Letters handed to one peer whose receipts are awaited; further ones are taken later. */
const LIVE = 256

export type Outcome = 'taken' | 'full' | 'hidden'

export interface DeliveriesOptions {
  readonly table: SessionTable
  readonly reach: Reach
  readonly mailboxes: Mailboxes
  readonly receipts: Receipts
}

export class Deliveries {
  readonly #options: DeliveriesOptions

  constructor(options: DeliveriesOptions) {
    this.#options = options
  }

  /**
   * `taken`: this node sees to the letter from now on. `full`: it may be tried again. `hidden`: for the sender the peer is not
   * here. Nothing is said where that takes a look-up and the directory does not answer: the letter comes again.
   */
  deliver(to: PeerSession, letter: Letter, then: (outcome: Outcome, now: number) => void, now: number): void {
    this.#options.reach.admit(
      to,
      letter.from,
      (admits, at) => {
        if (!admits) then('hidden', at)
        else then(to.stage !== 'ended' && this.#pass(to, letter, at) ? 'taken' : 'full', at)
      },
      now,
    )
  }

  /** What the peer says became of a letter: it has it, or cannot open it. All else is for nodes and tables to say. */
  receipt(from: PeerSession, { peer, epoch, sequence, outcome }: Receipt, now: number): void {
    if (outcome !== 'delivered' && outcome !== 'unreadable') return
    const key = letterKey({ from: peer, to: from.peer, epoch, sequence })
    const { inflow } = from
    const letter = inflow?.live.get(key) ?? inflow?.mail.get(key)?.letter
    if (inflow === undefined || letter === undefined) return
    const isMail = !inflow.live.has(key)
    const isInvisible = from.status.status === 'invisible'
    if (!isInvisible) this.#options.receipts.send(letter, outcome, now)
    else if (!isMail) this.#options.receipts.send(letter, 'stored', now)
    inflow.live.delete(key)
    this.#options.mailboxes.done(from, inflow, letter, now)
  }

  /** Takes what is under way to a session that is over. */
  takeLetters(ended: PeerSession): readonly Letter[] {
    const { live = [], parked = [] } = ended.inflow ?? {}
    const letters = [...new Map([...live, ...parked]).values()]
    ended.inflow = undefined
    return letters
  }

  /** The mailbox has been looked into: what waited for that passes, or goes there too. */
  resume(to: PeerSession, inflow: Inflow, now: number): void {
    const letters = [...inflow.parked.values()]
    inflow.parked.clear()
    for (const letter of letters) {
      const passes = inflow.mailbox === 'empty' && this.#hand(to, inflow, letter)
      if (!passes) this.#options.mailboxes.store(letter, to.user, now)
    }
  }

  /** A repeat of what is under way is not sent again, unless it says something else of its predecessor. */
  #pass(to: PeerSession, letter: Letter, now: number): boolean {
    to.inflow ??= newInflow('empty')
    const { inflow } = to
    const known = inflow.live.get(letterKey(letter))
    if (known !== undefined && isSamePredecessor(known, letter)) {
      known.origin = letter.origin
      return true
    }
    if (letter.previousIsStored && inflow.mailbox === 'empty')
      this.#options.mailboxes.lookInto(to, inflow, now)
    if (inflow.mailbox === 'reading') return this.#park(inflow, letter)
    if (inflow.mailbox === 'empty') return this.#hand(to, inflow, letter)
    this.#options.mailboxes.store(letter, to.user, now)
    return true
  }

  #park({ live, parked }: Inflow, letter: Letter): boolean {
    if (live.size + parked.size >= LIVE) return false
    parked.set(letterKey(letter), letter)
    return true
  }

  /** While the mailbox is empty: a predecessor that was stored is not named. */
  #hand(to: PeerSession, inflow: Inflow, letter: Letter): boolean {
    const key = letterKey(letter)
    if (!inflow.live.has(key) && inflow.live.size >= LIVE) return false
    const previous = predecessorOf(letter, inflow)
    const message = encodeMessage({ ...letter, previous, previousIsStored: false, peer: letter.from })
    if (!this.#options.table.send(to, FRAME.MESSAGE, message)) return false
    inflow.live.set(key, letter)
    return true
  }
}

const isSamePredecessor = (a: Letter, b: Letter): boolean =>
  a.previous === b.previous && a.previousIsStored === b.previousIsStored
