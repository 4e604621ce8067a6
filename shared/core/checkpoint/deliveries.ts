/**
 * The last stretch of a message: to a peer that is signed in here, or into its mailbox.
 *
 * Order is kept by one rule: while anything is in the mailbox, letters go there too. A page of it is handed to the peer;
 * when each of the page has a receipt it is discarded, and the next is read. What was stored meanwhile may belong before
 * what was handed over, and the peer may be waiting for it: it is handed over too. A node never acknowledges on its own:
 * a receipt is the peer's, or the table's.
 */
import type { StoredMessage } from '../../directory.ts'
import { encodeMessage, type Receipt } from '../../wire/messages.ts'
import { FRAME } from '../../wire/numbers.ts'
import { DelayLine } from '../session/delay-line.ts'
import type { Asks } from './asks.ts'
import type { CheckpointCounters } from './counters.ts'
import { type Inflow, type Letter, letterKey, newInflow } from './inflow.ts'
import type { Locator } from './locator.ts'
import type { PeerSession } from './peer-session.ts'
import type { Receipts } from './receipts.ts'
import type { Roster } from './roster.ts'
import type { SessionTable } from './session-table.ts'

/** Letters handed to one peer whose receipts are awaited; further ones are taken later. */
const LIVE = 256
const PAGE = 16
/** Reads of mailboxes that have to wait: for the tables, or for room in the session. */
const AGAIN_MS = 1000

export interface DeliveriesOptions {
  readonly asks: Asks
  readonly table: SessionTable
  readonly roster: Roster
  readonly locator: Locator
  readonly counters: CheckpointCounters
  readonly receipts: Receipts
}

export class Deliveries {
  readonly #options: DeliveriesOptions
  readonly #again = new DelayLine<PeerSession>(AGAIN_MS)

  constructor(options: DeliveriesOptions) {
    this.#options = options
  }

  /** True where this node sees to the letter from now on; false: not now, it may be tried again. */
  deliver(to: PeerSession, letter: Letter, now: number): boolean {
    if (to.blocks.includes(letter.from)) this.#options.receipts.send(letter, 'blocked', now)
    else if (!blocksUsers(to)) return this.#pass(to, letter, now)
    else this.#ifNotBlocked(to, letter, () => this.#passOrStore(to, letter, now), now)
    return true
  }

  /** What the peer says became of a letter. */
  receipt(from: PeerSession, { peer, epoch, sequence, outcome }: Receipt, now: number): void {
    const key = letterKey({ from: peer, to: from.peer, epoch, sequence })
    const letter = from.inflow?.live.get(key) ?? from.inflow?.mail.get(key)?.letter
    if (letter === undefined) return
    const shown = from.status.status === 'invisible' && outcome === 'delivered' ? 'stored' : outcome
    this.#options.receipts.send(letter, shown, now)
    from.inflow!.live.delete(key)
    if (from.inflow!.mail.has(key)) this.#discard(from, from.inflow!, letter, now)
    this.#forgetEmpty(from)
  }

  /** Puts the letter into its mailbox: the receipt follows when it is there. */
  store(letter: Letter, now: number): void {
    const { asks, roster, receipts } = this.#options
    const { to, from, epoch, sequence, previous, sentAt, body } = letter
    const message = { from, epoch, sequence, previous, sentAt, body }
    this.#options.counters.stored++
    asks.ask(
      { kind: 'storeMail', peer: to, message, now },
      (reply, at) => {
        if (reply.kind === 'failed') return
        receipts.send(letter, reply.outcome === 'stored' ? 'stored' : 'mailboxFull', at)
        const here = roster.get(to)
        if (here !== undefined) this.mailArrived(here, at)
      },
      now,
    )
  }

  /** Something is (or may be) in the peer's mailbox. */
  mailArrived(to: PeerSession, now: number): void {
    to.inflow ??= { ...newInflow(), mailbox: 'empty' }
    to.inflow.more = true
    if (to.stage !== 'online') return
    if (isIdle(to.inflow)) this.#read(to, to.inflow, now)
    else if (to.inflow.mailbox === 'handing') this.#again.put(to, now)
  }

  /** Takes what is under way to a session that is over. */
  takeLetters(ended: PeerSession): readonly Letter[] {
    const letters = [...(ended.inflow?.live.values() ?? [])]
    ended.inflow = undefined
    return letters
  }

  tick(now: number): void {
    for (let to = this.#again.take(now); to !== undefined; to = this.#again.take(now)) {
      if (to.stage !== 'online' || to.inflow === undefined || !isToBeRead(to.inflow)) continue
      if (to.inflow.done.length > 0) this.#turnOver(to, to.inflow, now)
      else this.#read(to, to.inflow, now)
    }
  }

  deadline(): number {
    return this.#again.deadline()
  }

  #pass(to: PeerSession, letter: Letter, now: number): boolean {
    to.inflow ??= { ...newInflow(), mailbox: 'empty' }
    const { inflow } = to
    if (inflow.mailbox === 'empty') return this.#hand(to, inflow, letter)
    this.store(letter, now)
    return true
  }

  #passOrStore(to: PeerSession, letter: Letter, now: number): void {
    if (to.stage === 'ended' || !this.#pass(to, letter, now)) this.store(letter, now)
  }

  /** A repeat of what is under way is not sent again, unless it names another predecessor. */
  #hand(to: PeerSession, inflow: Inflow, letter: Letter): boolean {
    const key = letterKey(letter)
    const known = inflow.live.get(key)
    if (known?.previous === letter.previous) {
      known.origin = letter.origin
      return true
    }
    if (known === undefined && inflow.live.size >= LIVE) return false
    if (!this.#options.table.send(to, FRAME.MESSAGE, messageOf(letter))) return false
    inflow.live.set(key, letter)
    return true
  }

  #read(to: PeerSession, inflow: Inflow, now: number): void {
    if (to.session.room < PAGE) {
      this.#readLater(to, inflow, now)
      return
    }
    inflow.mailbox = 'reading'
    inflow.more = false
    this.#options.asks.ask(
      { kind: 'readMail', peer: to.peer, limit: PAGE },
      (reply, at) => {
        if (to.inflow !== inflow) return
        if (reply.kind === 'failed') this.#readLater(to, inflow, at)
        else this.#handPage(to, inflow, reply.messages, at)
      },
      now,
    )
  }

  #readLater(to: PeerSession, inflow: Inflow, now: number): void {
    inflow.mailbox = 'unread'
    this.#again.put(to, now)
  }

  #handPage(to: PeerSession, inflow: Inflow, messages: readonly StoredMessage[], now: number): void {
    const letters: Letter[] = []
    for (const { entry, ...message } of messages) {
      const letter: Letter = { ...message, to: to.peer, origin: undefined }
      if (inflow.mail.has(letterKey(letter)) || inflow.done.includes(entry)) continue
      inflow.mail.set(letterKey(letter), { entry, letter })
      letters.push(letter)
    }
    inflow.mailbox = inflow.mail.size > 0 ? 'handing' : 'empty'
    for (const letter of letters) this.#handMail(to, inflow, letter, now)
    if (messages.length === 0 && inflow.more) this.#read(to, inflow, now)
    this.#forgetEmpty(to)
  }

  #handMail(to: PeerSession, inflow: Inflow, letter: Letter, now: number): void {
    const hand = (at: number): void => {
      if (!this.#options.table.send(to, FRAME.MESSAGE, messageOf(letter)))
        this.#leaveInMailbox(to, inflow, letter, at)
    }
    if (to.blocks.includes(letter.from)) this.#discard(to, inflow, letter, now)
    else if (blocksUsers(to)) this.#ifNotBlocked(to, letter, hand, now)
    else hand(now)
  }

  #discard(to: PeerSession, inflow: Inflow, letter: Letter, now: number): void {
    inflow.done.push(inflow.mail.get(letterKey(letter))!.entry)
    this.#leaveInMailbox(to, inflow, letter, now)
  }

  /** One less of this page. When the whole page is done with, it goes, and the next one is read. */
  #leaveInMailbox(to: PeerSession, inflow: Inflow, letter: Letter, now: number): void {
    inflow.mail.delete(letterKey(letter))
    if (inflow.mail.size > 0) return
    if (inflow.done.length > 0) this.#turnOver(to, inflow, now)
    else this.#readLater(to, inflow, now)
  }

  /** What is done with goes, and what is there then is read. */
  #turnOver(to: PeerSession, inflow: Inflow, now: number): void {
    const entries = inflow.done
    inflow.done = []
    this.#options.asks.ask(
      { kind: 'discardMail', peer: to.peer, entries },
      (_, at) => {
        if (to.inflow === inflow) this.#read(to, inflow, at)
      },
      now,
    )
  }

  /** Whoever blocks users needs to know whose the sender is. Where that cannot be told now, the letter comes again. */
  #ifNotBlocked(to: PeerSession, letter: Letter, then: (now: number) => void, now: number): void {
    this.#options.locator.locate(
      letter.from,
      (sender, at) => {
        const mail = to.inflow?.mail.has(letterKey(letter)) ? to.inflow : undefined
        const blocked = sender !== 'failed' && sender !== undefined && to.blocks.includes(sender.user)
        if (sender !== 'failed' && !blocked) then(at)
        else if (mail === undefined) blocked && this.#options.receipts.send(letter, 'blocked', at)
        else if (blocked) this.#discard(to, mail, letter, at)
        else this.#leaveInMailbox(to, mail, letter, at)
      },
      now,
    )
  }

  #forgetEmpty(to: PeerSession): void {
    const { inflow } = to
    if (inflow?.mailbox === 'empty' && inflow.live.size === 0 && !inflow.more) to.inflow = undefined
  }
}

const blocksUsers = ({ blocks }: PeerSession): boolean => blocks.some((one) => one.startsWith('u_'))

const isIdle = ({ mailbox }: Inflow): boolean => mailbox === 'empty' || mailbox === 'unread'

const isToBeRead = ({ mailbox, more }: Inflow): boolean =>
  mailbox === 'unread' || (mailbox === 'handing' && more)

const messageOf = (letter: Letter): Uint8Array => encodeMessage({ ...letter, peer: letter.from })
