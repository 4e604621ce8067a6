/**
 * Reads the mailboxes of peers that are signed in here, and stores messages in any mailbox.
 *
 * One rule keeps the order: while a mailbox has messages, new messages are stored in it too. A page of the mailbox is handed to
 * the peer. When every message of the page has a receipt, the page is discarded and the next one is read. A message stored
 * meanwhile may belong before those of the page, and the peer may be waiting for it, so it is handed over as well. `HeldPages`
 * says when to look for it without a push.
 *
 * A mailbox is read once at a time, so that an older answer never follows a newer one. Whoever wants it read meanwhile sets
 * `more`: the read that is under way may not contain what was just stored, and it is repeated.
 *
 * A message may name a stored predecessor. If a block dropped that predecessor, it never arrives and the peer would wait for it.
 * A predecessor that is no longer in the mailbox is therefore not named to the peer.
 */
import type { StoredMessage } from '../../directory.ts'
import type { UserId } from '../../ids.ts'
import { encodeMessage } from '../../wire/messages.ts'
import { FRAME } from '../../wire/numbers.ts'
import { DelayLine } from '../session/delay-line.ts'
import { Queue } from '../session/queue.ts'
import type { Wall } from '../wall.ts'
import type { Asks } from './asks.ts'
import type { Blocks } from './blocks.ts'
import type { CheckpointCounters } from './counters.ts'
import { HeldPages } from './held-pages.ts'
import { type Inflow, type Letter, letterKey, newInflow, predecessorOf } from './inflow.ts'
import type { PeerSession } from './peer-session.ts'
import type { Receipts } from './receipts.ts'
import type { Roster } from './roster.ts'
import type { SessionTable } from './session-table.ts'

const PAGE = 16
/** Delay before a mailbox is read again, after the tables failed or the session had no room. */
const AGAIN_MS = 1000
/** Maximum number of messages that are handed to a peer and await a receipt. */
const HANDED = 256
/** When all mailboxes have to be read, this many are read in each round, so that other requests reach the tables too. */
const ROUND = 100
const ROUND_MS = 100

export interface MailboxesOptions {
  readonly wall: Wall
  readonly asks: Asks
  readonly table: SessionTable
  readonly roster: Roster
  readonly blocks: Blocks
  readonly receipts: Receipts
  readonly counters: CheckpointCounters
  /** Called when a read of the mailbox has ended. */
  readonly onRead: (to: PeerSession, inflow: Inflow, now: number) => void
}

export class Mailboxes {
  readonly #options: MailboxesOptions
  readonly #again = new DelayLine<PeerSession>(AGAIN_MS)
  readonly #unsure = new Queue<PeerSession>()
  readonly #held = new HeldPages()
  #roundAt = Number.POSITIVE_INFINITY

  constructor(options: MailboxesOptions) {
    this.#options = options
  }

  /** Stores a message in the mailbox of its recipient, a peer of `user`. The receipt follows once it is stored. */
  store(letter: Letter, user: UserId, now: number): void {
    const { wall, asks, roster, receipts } = this.#options
    const { to, from, epoch, sequence, previous, previousIsStored, sentAt, body } = letter
    const message = { from, epoch, sequence, previous, previousIsStored, sentAt, body }
    const sender = roster.get(from)?.user
    this.#options.counters.stored++
    asks.ask(
      { kind: 'storeMail', peer: to, user, message, now: wall.at(now), ...(sender && { sender }) },
      (reply, at) => {
        if (reply.kind === 'failed') return
        receipts.send(letter, { outcome: reply.outcome === 'stored' ? 'stored' : 'mailboxFull' }, at)
        const here = roster.get(to)
        if (here !== undefined) this.arrived(here, at)
      },
      now,
    )
  }

  /** Call when a message is, or may be, in the peer's mailbox. */
  arrived(to: PeerSession, now: number): void {
    to.inflow ??= newInflow('empty')
    to.inflow.more = true
    if (to.stage !== 'online') return
    if (isIdle(to.inflow)) this.#read(to, to.inflow, now)
    else if (to.inflow.mailbox === 'handing') this.#again.put(to, now)
  }

  /**
   * Reads a mailbox that seemed empty: a message may have been stored without a push to this node. A read under way may have begun
   * before it was stored, so it is repeated.
   */
  lookInto(to: PeerSession, inflow: Inflow, now: number): void {
    if (inflow.mailbox === 'empty' || inflow.mailbox === 'reading') this.#read(to, inflow, now)
  }

  /** Call when messages may be in any mailbox. All are read, a few at a time. */
  arrivedAnywhere(now: number): void {
    const { roster } = this.#options
    if (this.#unsure.size > roster.size) return
    for (const each of roster.all()) this.#unsure.put(each)
    this.#roundAt = Math.min(this.#roundAt, now)
  }

  /** Call when the peer has received or refused a message. If the message came from the mailbox, its entry can be discarded. */
  done(of: PeerSession, inflow: Inflow, letter: Letter, now: number): void {
    const mail = inflow.mail.get(letterKey(letter))
    if (mail !== undefined) {
      inflow.done.push(mail.entry)
      this.#oneLess(of, inflow, letter, now)
    }
    this.#forgetEmpty(of)
  }

  tick(now: number): void {
    for (let to = this.#again.take(now); to !== undefined; to = this.#again.take(now)) {
      if (to.stage !== 'online' || to.inflow === undefined || !isToBeRead(to.inflow)) continue
      this.#readOn(to, to.inflow, now)
    }
    this.#held.tick(now, (to, inflow) => this.#readOn(to, inflow, now))
    if (now >= this.#roundAt) this.#round(now)
  }

  deadline(): number {
    return Math.min(this.#again.deadline(), this.#held.deadline(), this.#roundAt)
  }

  #read(to: PeerSession, inflow: Inflow, now: number): void {
    if (inflow.mailbox === 'reading') {
      inflow.more = true
      return
    }
    if (to.session.room < PAGE) {
      this.#readLater(to, inflow, now)
      return
    }
    inflow.mailbox = 'reading'
    inflow.more = false
    this.#options.asks.ask(
      { kind: 'readMail', peer: to.peer, limit: Math.min(HANDED, PAGE + 2 * inflow.mail.size) },
      (reply, at) => {
        if (to.inflow !== inflow) return
        if (reply.kind === 'failed') this.#readLater(to, inflow, at)
        else this.#handPage(to, inflow, reply.messages, at)
      },
      now,
    )
  }

  /** Reads the mailbox again, without the entries that are done. */
  #readOn(to: PeerSession, inflow: Inflow, now: number): void {
    if (inflow.done.length > 0) this.#turnOver(to, inflow, now)
    else this.#read(to, inflow, now)
  }

  #readLater(to: PeerSession, inflow: Inflow, now: number): void {
    inflow.mailbox = 'unread'
    this.#again.put(to, now)
    this.#options.onRead(to, inflow, now)
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
    if (inflow.mailbox === 'handing') this.#held.put(to, inflow, now)
    for (const letter of letters) this.#handMail(to, inflow, letter, now)
    if (inflow.mailbox === 'empty' && inflow.more) this.#read(to, inflow, now)
    else {
      if (inflow.more) this.#again.put(to, now)
      this.#options.onRead(to, inflow, now)
    }
    this.#forgetEmpty(to)
  }

  #handMail(to: PeerSession, inflow: Inflow, letter: Letter, now: number): void {
    this.#options.blocks.judgeStored(
      to,
      letter.from,
      (verdict, at) => {
        if (to.inflow !== inflow) return
        const previous = predecessorOf(letter, inflow)
        const message = encodeMessage({ ...letter, previous, previousIsStored: false, peer: letter.from })
        if (verdict === 'blocked') this.done(to, inflow, letter, at)
        else if (verdict === 'unknown' || !this.#options.table.send(to, FRAME.MESSAGE, message))
          this.#oneLess(to, inflow, letter, at)
      },
      now,
    )
  }

  /** Removes a message from the current page. After the last one, the page is discarded and the next one is read. */
  #oneLess(to: PeerSession, inflow: Inflow, letter: Letter, now: number): void {
    inflow.mail.delete(letterKey(letter))
    if (inflow.mail.size > 0) return
    inflow.looks = 0
    if (inflow.done.length > 0) this.#turnOver(to, inflow, now)
    else if (inflow.mailbox === 'reading') inflow.more = true
    else this.#readLater(to, inflow, now)
  }

  /** Discards the finished entries, then reads the mailbox again. */
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

  #round(now: number): void {
    for (let left = ROUND; left > 0 && this.#unsure.size > 0; left--) {
      const each = this.#unsure.take()!
      if (each.stage === 'online') this.arrived(each, now)
    }
    this.#roundAt = this.#unsure.size > 0 ? now + ROUND_MS : Number.POSITIVE_INFINITY
  }

  #forgetEmpty(to: PeerSession): void {
    const { inflow } = to
    if (inflow?.mailbox === 'empty' && inflow.live.size + inflow.parked.size === 0 && !inflow.more)
      to.inflow = undefined
  }
}

const isIdle = ({ mailbox }: Inflow): boolean => mailbox === 'empty' || mailbox === 'unread'

const isToBeRead = ({ mailbox, more }: Inflow): boolean =>
  mailbox === 'unread' || (mailbox === 'handing' && more)
