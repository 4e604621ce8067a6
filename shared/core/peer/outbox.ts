/**
 * Messages on their way out, kept until the recipient's application or its mailbox has them. To each recipient at most
 * 16 are in flight, numbered 1, 2, 3 .. in the order they were given; each names the one before it that may still be on
 * its way, so that the recipient can keep the order (wire README, MESSAGE): one that was refused will never arrive, and
 * one that was delivered has, maybe in a run of the recipient that the present one knows nothing of. Of one that was stored
 * the recipient's node knows whether it still is: it says so. Messages outlive a session: a new one carries again whatever has no receipt yet, and so does the same one after 4 s: twice within the shortest time
 * that a recipient holds what is behind.
 */
import type { PeerId } from '../../ids.ts'
import type { Message, Receipt } from '../../wire/messages.ts'
import type { Letter } from './message-seals.ts'

const IN_FLIGHT = 16
const NEVER = Number.POSITIVE_INFINITY
/** A node answers within a few seconds; one that forgot is reminded. */
const REPEAT_MS = 4000
/** A node that refused a message for now is asked again after this. */
const POSTPONE_MS = 1000
/** A message without a receipt is given up this long after a session took it: its recipient is there, but does not take it. */
export const GIVE_UP_MS = 30_000

interface Outgoing {
  readonly id: number
  /** Sealed once it has a number: every repeat carries the same bytes. */
  body: Uint8Array
  readonly sentAt: number
  sequence: number
  /** Greatest sequence before it that was neither refused nor delivered; 0 for none. */
  previous: number
  previousIsStored: boolean
  /** When it is handed to the session again; 0: now. */
  dueAt: number
  /** Infinity while no session has taken it. */
  giveUpAt: number
}

interface Recipient {
  readonly peer: PeerId
  readonly flying: Outgoing[]
  readonly waiting: Outgoing[]
  nextSequence: number
  /** Greatest sequence that was neither refused nor delivered: the next message names it. */
  last: number
  lastIsStored: boolean
}

const UNNUMBERED = { sequence: 0, previous: 0, previousIsStored: false }

/** What is sent in the place of a letter's body. */
export type Seal = (letter: Letter) => Uint8Array

export class Outbox {
  /** When this SDK started: it tells these numbers from those of an earlier run. */
  readonly epoch: number
  readonly #seal: Seal
  readonly #recipients = new Map<PeerId, Recipient>()
  /** Those with something to send or to wait for. */
  readonly #active = new Set<Recipient>()

  constructor(epoch: number, seal: Seal) {
    this.epoch = epoch
    this.#seal = seal
  }

  /** Throws where `body` is no bytes: what can never be sent must not wait here. */
  add(id: number, to: PeerId, body: Uint8Array, now: number): void {
    if (!(body instanceof Uint8Array)) throw new TypeError('a message is bytes')
    const recipient = this.#recipient(to)
    recipient.waiting.push({ id, body, sentAt: now, ...UNNUMBERED, dueAt: 0, giveUpAt: NEVER })
    this.#active.add(recipient)
  }

  /** Hands out what is to be sent now, until `take` returns false. */
  send(now: number, take: (message: Message) => boolean): void {
    for (const recipient of this.#active) {
      const { peer } = recipient
      this.#launch(recipient)
      for (const message of recipient.flying) {
        if (message.dueAt > now) continue
        const { sequence, previous, previousIsStored, sentAt, body } = message
        if (!take({ peer, epoch: this.epoch, sequence, previous, previousIsStored, sentAt, body })) return
        message.dueAt = now + REPEAT_MS
        message.giveUpAt = Math.min(message.giveUpAt, now + GIVE_UP_MS)
      }
    }
  }

  /** The caller's id of the message that is settled by this; undefined where it was settled before. */
  settle({ peer, epoch, sequence, outcome }: Receipt): number | undefined {
    const recipient = epoch === this.epoch ? this.#recipients.get(peer) : undefined
    if (recipient === undefined) return undefined
    if (outcome === 'delivered') this.#leaveBehind(recipient, sequence)
    if (outcome === 'stored') this.#markStored(recipient, sequence)
    const at = recipient.flying.findIndex((message) => message.sequence === sequence)
    if (at < 0) return undefined
    const message = recipient.flying.splice(at, 1)[0]!
    if (outcome !== 'delivered' && outcome !== 'stored') this.#leaveOut(recipient, message)
    if (recipient.flying.length + recipient.waiting.length === 0) this.#active.delete(recipient)
    return message.id
  }

  /** The node refused it for now: it keeps its place, and what is behind it waits for it. */
  postpone({ peer, epoch, sequence }: Receipt, now: number): void {
    const flying = epoch === this.epoch ? (this.#recipients.get(peer)?.flying ?? []) : []
    const message = flying.find((each) => each.sequence === sequence)
    if (message === undefined) return
    message.dueAt = now + POSTPONE_MS
    message.giveUpAt = NEVER
  }

  /** The application does not wait for it any more. It may still arrive if a session took it. */
  withdraw(id: number): void {
    for (const recipient of this.#active) {
      const waits = recipient.waiting.findIndex((message) => message.id === id)
      if (waits >= 0) recipient.waiting.splice(waits, 1)
      const flies = recipient.flying.find((message) => message.id === id)
      if (flies !== undefined) this.#remove(recipient, flies)
    }
  }

  /** Ids of messages that no receipt came for in time; they are given up. */
  expire(now: number): number[] {
    const overdue: number[] = []
    for (const recipient of this.#active) {
      for (const message of recipient.flying.filter(({ giveUpAt }) => giveUpAt <= now)) {
        overdue.push(message.id)
        this.#remove(recipient, message)
      }
    }
    return overdue
  }

  expiresAt(): number {
    let least = NEVER
    for (const { flying } of this.#active)
      for (const { giveUpAt } of flying) least = Math.min(least, giveUpAt)
    return least
  }

  /** A new session knows nothing of what was sent on the last. */
  restart(): void {
    for (const { flying } of this.#active)
      for (const message of flying) {
        message.dueAt = 0
        message.giveUpAt = NEVER
      }
  }

  /** When `send` has something to hand out; 0: now. */
  deadline(): number {
    let least = NEVER
    for (const { flying, waiting } of this.#active) {
      if (waiting.length > 0 && flying.length < IN_FLIGHT) return 0
      for (const { dueAt } of flying) least = Math.min(least, dueAt)
    }
    return least
  }

  #remove(recipient: Recipient, message: Outgoing): void {
    recipient.flying.splice(recipient.flying.indexOf(message), 1)
    this.#leaveOut(recipient, message)
    if (recipient.flying.length + recipient.waiting.length === 0) this.#active.delete(recipient)
  }

  /** What named the refused message as the one before it names the one before that, and goes out again. */
  #leaveOut(recipient: Recipient, refused: Outgoing): void {
    const { sequence, previous, previousIsStored } = refused
    if (recipient.last === sequence) {
      recipient.last = previous
      recipient.lastIsStored = previousIsStored
    }
    for (const message of recipient.flying) {
      if (message.previous === sequence) Object.assign(message, { previous, previousIsStored, dueAt: 0 })
    }
  }

  /** Nothing has to wait for it any more; what is out already says so when it is repeated. */
  #leaveBehind(recipient: Recipient, sequence: number): void {
    if (recipient.last === sequence) {
      recipient.last = 0
      recipient.lastIsStored = false
    }
    for (const message of recipient.flying) {
      if (message.previous === sequence) Object.assign(message, { previous: 0, previousIsStored: false })
    }
  }

  /** What is out already says so when it is repeated. */
  #markStored(recipient: Recipient, sequence: number): void {
    if (recipient.last === sequence) recipient.lastIsStored = true
    for (const message of recipient.flying) if (message.previous === sequence) message.previousIsStored = true
  }

  #launch(recipient: Recipient): void {
    while (recipient.flying.length < IN_FLIGHT && recipient.waiting.length > 0) {
      const message = recipient.waiting.shift()!
      message.sequence = recipient.nextSequence++
      message.previous = recipient.last
      message.previousIsStored = recipient.lastIsStored
      recipient.last = message.sequence
      recipient.lastIsStored = false
      message.body = this.#seal({ peer: recipient.peer, epoch: this.epoch, ...message })
      recipient.flying.push(message)
    }
  }

  #recipient(to: PeerId): Recipient {
    let recipient = this.#recipients.get(to)
    if (recipient === undefined) {
      recipient = { peer: to, flying: [], waiting: [], nextSequence: 1, last: 0, lastIsStored: false }
      this.#recipients.set(to, recipient)
    }
    return recipient
  }
}
