/**
 * Routes a message from its sender's node to its recipient's node (wire README, section 3, MESSAGE).
 *
 * The sender's node checks that the two peers are related, and looks up the recipient:
 *
 *   here        `Deliveries` delivers the message
 *   elsewhere   the message is forwarded to that node, up to three times at intervals of 500 ms, until the node accepts it. If
 *               the node does not answer, or reports that the recipient is not there, the recipient is looked up again
 *   nowhere     the message is stored in the mailbox. So is one whose recipient was not reached after four look-ups
 *
 * The state here may be lost: the sender retransmits messages without a receipt, and the recipient detects duplicates.
 */
import type { Located } from '../../directory.ts'
import type { NodeId } from '../../ids.ts'
import { MAX_SEALED_BODY_BYTES, type Message } from '../../wire/messages.ts'
import {
  encodeForwardedMessage,
  type ForwardedMessage,
  type ForwardedReceipt,
  type Sender,
} from '../../wire/node.ts'
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
/** Maximum number of messages in transit to other nodes. More are dropped, and their senders retransmit them. */
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

  /** Handles a message from a peer that is signed in here. */
  submit(from: PeerSession, { peer, ...message }: Message, now: number): void {
    const letter: Letter = { ...message, to: peer, from: from.peer, origin: 'here' }
    this.#options.counters.messages++
    if (!takeAllowance(from, 1, now)) {
      this.#options.counters.rateLimited++
      this.#options.receipts.send(letter, { outcome: 'rateLimited' }, now)
    } else if (message.body.length > MAX_SEALED_BODY_BYTES)
      this.#options.receipts.send(letter, { outcome: 'tooLarge' }, now)
    else if (!this.#forwarding.has(letterKey(letter))) this.#route(letter, from, 0, now)
  }

  /** Handles a message that another node forwarded. */
  arrive(from: NodeId, message: ForwardedMessage, now: number): void {
    const { roster, deliveries, receipts } = this.#options
    const here = roster.get(message.to)
    if (here === undefined) receipts.tell(from, message, { outcome: 'notHere' })
    else
      deliveries.deliver(
        here,
        { ...message, origin: from },
        (outcome, at) => {
          receipts.tell(from, message, { outcome: outcome === 'taken' ? 'taken' : 'notHere' })
          if (outcome === 'taken') this.#learn(from, message, at)
        },
        now,
      )
  }

  /** Handles another node's report on a message. */
  acknowledged(receipt: ForwardedReceipt, now: number): void {
    const { to: sender, from: recipient, epoch, sequence, outcome } = receipt
    const key = letterKey({ from: sender, to: recipient, epoch, sequence })
    const forwarding = this.#forwarding.get(key)
    if (outcome === 'notHere') {
      if (forwarding !== undefined) this.#lookUpAgain(forwarding, now)
      return
    }
    this.#forwarding.delete(key)
    if (forwarding !== undefined) this.#options.locator.confirm(recipient, forwarding.node, now)
    if (outcome !== 'taken') this.#options.receipts.show(receipt)
  }

  /** Routes messages that were on their way to a session which has ended. Its peer is at another node, or offline. */
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
      else {
        this.#options.locator.silent(due.node, now)
        this.#lookUpAgain(due, now)
      }
    }
  }

  deadline(): number {
    return this.#repeats.deadline()
  }

  /** Routes a message. `sender` is given only if it has yet to be checked that the sender may write to the recipient. */
  #route(letter: Letter, sender: Related | undefined, lookUps: number, now: number): void {
    const { roster, standings } = this.#options
    const here = roster.get(letter.to)
    if (here === undefined) this.#look(letter, sender, lookUps, now)
    else standings.ensureForOthers(here, (at) => this.#deliverHere(here, letter, sender, at), now)
  }

  /**
   * Delivers a message to a peer here. If the sender must not see that peer, the message takes every step of one to an offline
   * peer, so that the sender cannot tell the difference.
   */
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
      (partial) => sender === undefined || areRelated(sender, partial),
    )
  }

  /** Remembers where the sender of a forwarded message is, so that the reply needs no look-up. */
  #learn(node: NodeId, { from: peer, sender }: ForwardedMessage, now: number): void {
    if (sender !== undefined) this.#options.locator.learn({ peer, node, ...sender }, now)
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
      this.#options.receipts.send(letter, { outcome: 'unknownPeer' }, now)
      return
    }
    const { node, hidden } = where
    const isAway = node === undefined || node === this.#options.node || hidden || lookUps >= LOOK_UPS
    if (isAway || isInvisible(where, this.#options.roster.get(letter.from)))
      this.#options.mailboxes.store(letter, where.user, now)
    else this.#startForwarding({ ...letter, sender: this.#senderOf(letter, where, now) }, node, lookUps, now)
  }

  /**
   * Facts about the sender that the recipient's node may remember: none if the sender is invisible, or if its user blocks somebody,
   * as it would have to ask whom.
   */
  #senderOf({ from }: Letter, to: Related, now: number): Sender | undefined {
    const here = this.#options.roster.get(from)
    if (here === undefined || !this.#options.standings.isTrusted(here, now)) return undefined
    if (here.status.status === 'invisible' || here.blocks > 0 || !areRelated(here, to)) return undefined
    const network = here.networks.find((each) => to.networks.includes(each))
    return { user: here.user, network: here.user === to.user ? undefined : network }
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

/** True if the peer is invisible to the sender. Other peers of its own user do see it. */
const isInvisible = ({ status, user }: Located, sender: PeerSession | undefined): boolean =>
  status === 'invisible' && user !== sender?.user
