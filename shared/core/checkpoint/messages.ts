/**
 * The way of a message from its sender's node to its recipient's (wire README, section 3, MESSAGE).
 *
 * The sender's node checks that the two are related and looks up where the recipient is. Signed in here: `Deliveries`.
 * At another node: the letter is forwarded, three times in 1.5 s, until that node takes it over or says that the
 * recipient is not there; then it is looked up again. Nowhere, or not to be reached after four look-ups: the mailbox.
 *
 * What is kept here may be lost: the sender repeats what has no receipt, and the recipient knows what it has had.
 */
import type { Located } from '../../directory.ts'
import type { NodeId } from '../../ids.ts'
import { MAX_SEALED_BODY_BYTES, type Message } from '../../wire/messages.ts'
import { encodeForwardedMessage, type ForwardedMessage, type ForwardedReceipt } from '../../wire/node.ts'
import { FRAME } from '../../wire/numbers.ts'
import { DelayLine } from '../session/delay-line.ts'
import { takeAllowance } from './allowances.ts'
import type { CheckpointCounters } from './counters.ts'
import type { Deliveries } from './deliveries.ts'
import { type Letter, letterKey } from './inflow.ts'
import type { Locator, Whereabouts } from './locator.ts'
import type { Mailboxes } from './mailboxes.ts'
import type { NodeLinks } from './node-links.ts'
import { areRelated, type PeerSession, type Related } from './peer-session.ts'
import type { Receipts } from './receipts.ts'
import type { Roster } from './roster.ts'
import type { Standings } from './standings.ts'

const FORWARD_MS = 500
const FORWARDS = 3
const LOOK_UPS = 4
/** Letters under way to other nodes; more are dropped, and come again. */
const UNDER_WAY = 100_000

interface Forwarding {
  readonly letter: Letter
  node: NodeId
  sent: number
  lookUps: number
}

export interface MessagesOptions {
  readonly node: NodeId
  readonly roster: Roster
  readonly locator: Locator
  readonly standings: Standings
  readonly links: NodeLinks
  readonly deliveries: Deliveries
  readonly mailboxes: Mailboxes
  readonly receipts: Receipts
  readonly counters: CheckpointCounters
}

export class Messages {
  readonly #options: MessagesOptions
  readonly #forwarding = new Map<string, Forwarding>()
  readonly #repeats = new DelayLine<Forwarding>(FORWARD_MS)

  constructor(options: MessagesOptions) {
    this.#options = options
  }

  /** A message of a peer that is signed in here. */
  submit(from: PeerSession, { peer, ...message }: Message, now: number): void {
    const letter: Letter = { ...message, to: peer, from: from.peer, origin: 'here' }
    this.#options.counters.messages++
    if (!takeAllowance(from, 1, now)) {
      this.#options.counters.rateLimited++
      this.#options.receipts.send(letter, 'rateLimited', now)
    } else if (message.body.length > MAX_SEALED_BODY_BYTES)
      this.#options.receipts.send(letter, 'tooLarge', now)
    else if (!this.#forwarding.has(letterKey(letter))) this.#route(letter, from, 0, now)
  }

  /** A letter that another node sent here. */
  arrive(from: NodeId, message: ForwardedMessage, now: number): void {
    const { roster, deliveries, receipts } = this.#options
    const here = roster.get(message.to)
    if (here === undefined) receipts.tell(from, message, 'notHere')
    else
      deliveries.deliver(
        here,
        { ...message, origin: from },
        (outcome) => receipts.tell(from, message, outcome === 'taken' ? 'taken' : 'notHere'),
        now,
      )
  }

  /** What another node says became of a letter. */
  acknowledged(receipt: ForwardedReceipt, now: number): void {
    const { to: sender, from: recipient, epoch, sequence, outcome } = receipt
    const key = letterKey({ from: sender, to: recipient, epoch, sequence })
    const forwarding = this.#forwarding.get(key)
    if (outcome === 'notHere') {
      if (forwarding !== undefined) this.#lookUpAgain(forwarding, now)
      return
    }
    this.#forwarding.delete(key)
    if (outcome !== 'taken') this.#options.receipts.show(receipt)
  }

  /** Letters that a session left behind: its peer is elsewhere, or nowhere. */
  reroute(letters: readonly Letter[], now: number): void {
    for (const letter of letters) {
      this.#options.locator.forget(letter.to)
      this.#route(letter, undefined, 0, now)
    }
  }

  tick(now: number): void {
    for (let due = this.#repeats.take(now); due !== undefined; due = this.#repeats.take(now)) {
      if (this.#forwarding.get(letterKey(due.letter)) !== due) continue
      if (due.sent < FORWARDS) this.#forward(due, now)
      else this.#lookUpAgain(due, now)
    }
  }

  deadline(): number {
    return this.#repeats.deadline()
  }

  /** `sender` where it is still to be checked that it may write to the recipient. */
  #route(letter: Letter, sender: Related | undefined, lookUps: number, now: number): void {
    const { roster, standings } = this.#options
    const here = roster.get(letter.to)
    if (here === undefined) this.#look(letter, sender, lookUps, now)
    else standings.ensureForOthers(here, (at) => this.#deliverHere(here, letter, sender, at), now)
  }

  /** From one that the sender cannot see it goes the way of a letter to a peer that is nowhere, step by step. */
  #deliverHere(to: PeerSession, letter: Letter, sender: Related | undefined, now: number): void {
    const { deliveries, mailboxes } = this.#options
    if (sender !== undefined && !areRelated(sender, to)) {
      this.#look(letter, sender, 0, now)
      return
    }
    deliveries.deliver(
      to,
      letter,
      (outcome, at) => {
        if (outcome === 'full') mailboxes.store(letter, to.user, at)
        if (outcome === 'hidden') this.#look(letter, sender, 0, at)
      },
      now,
    )
  }

  #look(letter: Letter, sender: Related | undefined, lookUps: number, now: number): void {
    const asker = this.#options.roster.get(letter.from) ?? { peer: letter.from }
    this.#options.locator.locate(
      letter.to,
      asker,
      (where, at) => this.#routeTo(where, letter, sender, lookUps, at),
      now,
    )
  }

  #routeTo(
    where: Whereabouts,
    letter: Letter,
    sender: Related | undefined,
    lookUps: number,
    now: number,
  ): void {
    if (where === 'failed') return
    if (where === undefined || (sender !== undefined && !areRelated(sender, where))) {
      this.#options.receipts.send(letter, 'unknownPeer', now)
      return
    }
    const { node, hidden } = where
    const isAway = node === undefined || node === this.#options.node || hidden || lookUps >= LOOK_UPS
    if (isAway || isInvisible(where, this.#options.roster.get(letter.from)))
      this.#options.mailboxes.store(letter, where.user, now)
    else this.#startForwarding(letter, node, lookUps, now)
  }

  #startForwarding(letter: Letter, node: NodeId, lookUps: number, now: number): void {
    if (this.#forwarding.size >= UNDER_WAY) return
    const forwarding = { letter, node, sent: 0, lookUps }
    this.#forwarding.set(letterKey(letter), forwarding)
    this.#options.counters.forwarded++
    this.#forward(forwarding, now)
  }

  #forward(forwarding: Forwarding, now: number): void {
    forwarding.sent++
    this.#options.links.send(
      forwarding.node,
      FRAME.FORWARD_MESSAGE,
      encodeForwardedMessage(forwarding.letter),
    )
    this.#repeats.put(forwarding, now)
  }

  #lookUpAgain({ letter, lookUps }: Forwarding, now: number): void {
    this.#forwarding.delete(letterKey(letter))
    this.#options.locator.forget(letter.to)
    this.#route(letter, undefined, lookUps + 1, now)
  }
}

/** But for the other peers of its own user. */
const isInvisible = ({ status, user }: Located, sender: PeerSession | undefined): boolean =>
  status === 'invisible' && user !== sender?.user
