/**
 * Messages to be sent, kept until the recipient's application or its mailbox has them.
 *
 * At most 16 messages to each recipient are in flight, numbered 1, 2, 3 .. in the order they were given. Each names its
 * predecessor, so that the recipient can restore the order (wire README, MESSAGE). A refused message is not named, as
 * it will never arrive. A delivered one is not named either: an earlier run of the recipient may have received it. A
 * stored predecessor is named and marked as stored: the recipient's node knows whether the mailbox still has it.
 *
 * A message is sealed when it gets its number, which may have to wait for the key of its recipient. It is sealed once
 * more, with the same number, if the recipient does not have the key that it was sealed for. Later ones wait for it there.
 *
 * Messages outlive a session. Whatever has no receipt is retransmitted by a new session, and by the same one after 4 s.
 * That is twice within the shortest time for which a recipient holds the messages behind it.
 */
import type { PeerId } from '../../ids.ts'
import { IDENTITY_KEY, type Message, type Receipt } from '../../wire/messages.ts'
import type { NumberedMessage, Sealed } from './message-seals.ts'

const IN_FLIGHT = 16
/**
 * A mailbox is in the order of `sentAt`, so that does not run backwards when another node's clock is behind. A clock that was
 * wrong by more is not followed.
 */
const MAX_SET_BACK_MS = 60_000
const NEVER = Number.POSITIVE_INFINITY
/**
 * A node answers within a few seconds, so an unanswered message is retransmitted after these times. The last one is repeated:
 * nodes or tables that are too busy to answer get half the load.
 */
const REPEATS_MS = [4000, 4000, 8000] as const
/** Delay before a message is sent again that a node refused for now. */
const POSTPONE_MS = 1000
/**
 * A message without a receipt is given up this long after a session accepted it: the recipient is there but does not
 * take it.
 */
export const GIVE_UP_MS = 30_000

interface Outgoing {
  readonly id: number
  readonly plain: Uint8Array
  /** Undefined before it has a number, and while another key is asked for. Every retransmission carries the same bytes. */
  sealed: Sealed | undefined
  isResealed: boolean
  readonly sentAt: number
  sequence: number
  /** Greatest earlier sequence that was neither refused nor delivered; 0 for none. */
  previous: number
  previousIsStored: boolean
  /** How often the current session has sent it. */
  sends: number
  /** Time at which the message is sent (again); 0 for now. */
  dueAt: number
  /** Infinity until a session has accepted the message. */
  giveUpAt: number
}

interface Recipient {
  readonly peer: PeerId
  readonly flying: Outgoing[]
  readonly waiting: Outgoing[]
  nextSequence: number
  /** `sentAt` of the last message. */
  sentAt: number
  /** Greatest sequence that was neither refused nor delivered; the next message names it as its predecessor. */
  last: number
  lastIsStored: boolean
  /** Its key is being asked for. */
  isBlocked: boolean
}

const UNNUMBERED = {
  sequence: 0,
  previous: 0,
  previousIsStored: false,
  sealed: undefined,
  isResealed: false,
  sends: 0,
}

/** Seals the body of a message. Undefined if the key of the recipient is being asked for. */
export type Seal = (message: NumberedMessage) => Sealed | undefined

export class Outbox {
  /** Start time of this SDK: it distinguishes these numbers from those of an earlier run. */
  readonly epoch: number
  readonly #seal: Seal
  readonly #recipients = new Map<PeerId, Recipient>()
  /** Recipients with a message that is queued or in flight. */
  readonly #active = new Set<Recipient>()

  constructor(epoch: number, seal: Seal) {
    this.epoch = epoch
    this.#seal = seal
  }

  /** Queues a message. Throws a TypeError if `body` is not bytes, as it could never be sent. */
  add(id: number, to: PeerId, body: Uint8Array, now: number): void {
    if (!(body instanceof Uint8Array)) throw new TypeError('a message is bytes')
    const recipient = this.#recipient(to)
    const isSetBack = now < recipient.sentAt && recipient.sentAt - now < MAX_SET_BACK_MS
    const sentAt = isSetBack ? recipient.sentAt : now
    recipient.sentAt = sentAt
    recipient.waiting.push({ id, plain: body, sentAt, ...UNNUMBERED, dueAt: 0, giveUpAt: NEVER })
    this.#active.add(recipient)
  }

  /** Passes the messages that are due to `take`, until it returns false. */
  send(now: number, take: (message: Message) => boolean): void {
    for (const recipient of this.#active) {
      const { peer } = recipient
      this.#launch(recipient)
      for (const message of recipient.flying) {
        if (message.dueAt > now) continue
        message.sealed ??= this.#sealFor(recipient, message)
        if (message.sealed === undefined) continue
        const { sequence, previous, previousIsStored, sentAt } = message
        const { body } = message.sealed
        if (!take({ peer, epoch: this.epoch, sequence, previous, previousIsStored, sentAt, body })) return
        message.dueAt = now + (REPEATS_MS[message.sends++] ?? REPEATS_MS[2])
        message.giveUpAt = Math.min(message.giveUpAt, now + GIVE_UP_MS)
      }
    }
  }

  /** The caller's id of the message that the receipt settles; undefined if it was settled before. */
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

  /**
   * Handles that the recipient could not open a message. `again`: it was sealed for this key, and is sealed again for
   * another one. `stale`: it has been already. `over`: it is to be settled.
   */
  unreadable({ peer, epoch, sequence, key }: Receipt): { readonly again: number } | 'stale' | 'over' {
    const flying = epoch === this.epoch ? (this.#recipients.get(peer)?.flying ?? []) : []
    const message = flying.find((each) => each.sequence === sequence)
    if (message === undefined) return 'over'
    const { sealed, isResealed } = message
    if (sealed === undefined || (key !== undefined && key !== sealed.key)) return 'stale'
    if (isResealed || sealed.key === IDENTITY_KEY) return 'over'
    Object.assign(message, { sealed: undefined, isResealed: true, dueAt: 0 })
    return { again: sealed.key }
  }

  /** The node refused the message for now: it keeps its place, and later messages wait for it. */
  postpone({ peer, epoch, sequence }: Receipt, now: number): void {
    const flying = epoch === this.epoch ? (this.#recipients.get(peer)?.flying ?? []) : []
    const message = flying.find((each) => each.sequence === sequence)
    if (message === undefined) return
    message.dueAt = now + POSTPONE_MS
    message.giveUpAt = NEVER
  }

  /** The application no longer waits for the message. It may still arrive if a session accepted it. */
  withdraw(id: number): void {
    for (const recipient of this.#active) {
      const waits = recipient.waiting.findIndex((message) => message.id === id)
      if (waits >= 0) recipient.waiting.splice(waits, 1)
      const flies = recipient.flying.find((message) => message.id === id)
      if (flies !== undefined) this.#remove(recipient, flies)
    }
  }

  /** Removes the messages without a receipt in time, and returns their ids. */
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

  /** Starts a new session, which knows nothing of what the last one sent. */
  restart(): void {
    for (const { flying } of this.#active)
      for (const message of flying) {
        message.dueAt = 0
        message.sends = 0
        message.giveUpAt = NEVER
      }
  }

  /** Time at which `send` has something to send; 0 for now. Messages that wait for a key do not count. */
  deadline(): number {
    let least = NEVER
    for (const { flying, waiting, isBlocked } of this.#active) {
      if (waiting.length > 0 && flying.length < IN_FLIGHT && !isBlocked) return 0
      for (const { dueAt, sealed } of flying)
        if (sealed !== undefined || !isBlocked) least = Math.min(least, dueAt)
    }
    return least
  }

  #remove(recipient: Recipient, message: Outgoing): void {
    recipient.flying.splice(recipient.flying.indexOf(message), 1)
    this.#leaveOut(recipient, message)
    if (recipient.flying.length + recipient.waiting.length === 0) this.#active.delete(recipient)
  }

  /** Messages that named the refused message as predecessor name the one before it instead, and are sent again. */
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

  /** No message has to wait for the delivered one any more. Messages in flight say so when they are retransmitted. */
  #leaveBehind(recipient: Recipient, sequence: number): void {
    if (recipient.last === sequence) {
      recipient.last = 0
      recipient.lastIsStored = false
    }
    for (const message of recipient.flying) {
      if (message.previous === sequence) Object.assign(message, { previous: 0, previousIsStored: false })
    }
  }

  /** Messages in flight say that their predecessor was stored when they are retransmitted. */
  #markStored(recipient: Recipient, sequence: number): void {
    if (recipient.last === sequence) recipient.lastIsStored = true
    for (const message of recipient.flying) if (message.previous === sequence) message.previousIsStored = true
  }

  #launch(recipient: Recipient): void {
    while (recipient.flying.length < IN_FLIGHT && recipient.waiting.length > 0) {
      const message = recipient.waiting[0]!
      const sequence = recipient.nextSequence
      const sealed = this.#sealFor(recipient, { ...message, sequence })
      if (sealed === undefined) return
      const { last: previous, lastIsStored: previousIsStored } = recipient
      Object.assign(message, { sequence, sealed, previous, previousIsStored })
      Object.assign(recipient, { nextSequence: sequence + 1, last: sequence, lastIsStored: false })
      recipient.flying.push(message)
      recipient.waiting.shift()
    }
  }

  #sealFor(recipient: Recipient, { sequence, sentAt, plain }: Outgoing): Sealed | undefined {
    const sealed = this.#seal({ peer: recipient.peer, epoch: this.epoch, sequence, sentAt, body: plain })
    recipient.isBlocked = sealed === undefined
    return sealed
  }

  #recipient(to: PeerId): Recipient {
    let recipient = this.#recipients.get(to)
    if (recipient === undefined) {
      recipient = {
        peer: to,
        flying: [],
        waiting: [],
        nextSequence: 1,
        sentAt: 0,
        last: 0,
        lastIsStored: false,
        isBlocked: false,
      }
      this.#recipients.set(to, recipient)
    }
    return recipient
  }
}
