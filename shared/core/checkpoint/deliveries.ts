/**
 * The last hop of a message: to a peer that is signed in here, or into its mailbox if the mailbox is not empty. A node never
 * issues a receipt of its own: a receipt says that the peer or the mailbox has the message.
 */
import { encodeMessage, type Receipt } from '../../wire/messages.ts'
import { FRAME } from '../../wire/numbers.ts'
import { type Inflow, type Letter, letterKey, newInflow, predecessorOf } from './inflow.ts'
import type { Mailboxes } from './mailboxes.ts'
import type { PeerSession } from './peer-session.ts'
import type { Reach } from './reach.ts'
import type { Receipts } from './receipts.ts'
import type { SessionTable } from './session-table.ts'

/** Maximum number of messages handed to one peer that await a receipt. Further ones are accepted later. */
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
   * Delivers a message to a peer here. The outcome is one of:
   *
   *   taken    this node is responsible for the message from now on
   *   full     too many messages await a receipt; the caller may try again
   *   hidden   the sender must not learn that the peer is here
   *
   * `then` is not called if a look-up is needed and the directory does not answer. The sender retransmits the message.
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

  /** Handles a peer's receipt for a message: `delivered` or `unreadable`. */
  receipt(from: PeerSession, { peer, epoch, sequence, ...outcome }: Receipt, now: number): void {
    const key = letterKey({ from: peer, to: from.peer, epoch, sequence })
    const { inflow } = from
    const letter = inflow?.live.get(key) ?? inflow?.mail.get(key)?.letter
    if (inflow === undefined || letter === undefined) return
    const isMail = !inflow.live.has(key)
    const isInvisible = from.status.status === 'invisible'
    if (!isInvisible) this.#options.receipts.send(letter, outcome, now)
    else if (!isMail) this.#options.receipts.send(letter, { outcome: 'stored' }, now)
    inflow.live.delete(key)
    this.#options.mailboxes.done(from, inflow, letter, now)
  }

  /** Removes and returns the messages on their way to a session that has ended. */
  takeLetters(ended: PeerSession): readonly Letter[] {
    const { live = [], parked = [] } = ended.inflow ?? {}
    const letters = [...new Map([...live, ...parked]).values()]
    ended.inflow = undefined
    return letters
  }

  /** Call after the mailbox was read. Messages that waited for it are handed to the peer, or stored too. */
  resume(to: PeerSession, inflow: Inflow, now: number): void {
    const letters = [...inflow.parked.values()]
    inflow.parked.clear()
    for (const letter of letters) {
      const passes = inflow.mailbox === 'empty' && this.#hand(to, inflow, letter)
      if (!passes) this.#options.mailboxes.store(letter, to.user, now)
    }
  }

  /** Passes a message on; false if the peer's queue is full. A repeat is not sent again unless it names another predecessor. */
  #pass(to: PeerSession, letter: Letter, now: number): boolean {
    to.inflow ??= newInflow('empty')
    const { inflow } = to
    const known = inflow.live.get(letterKey(letter))
    if (known !== undefined && isSamePredecessor(known, letter)) {
      known.origin = letter.origin
      return true
    }
    if (letter.previousIsStored) this.#options.mailboxes.lookInto(to, inflow, now)
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

  /** Sends a message to the peer while its mailbox is empty. A stored predecessor is therefore not named. */
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
