/**
 * The messages of others: opened, put in order (`inbox.ts`), given to the application, and acknowledged once it has taken
 * them.
 */
import {
  decodeMessage,
  encodeReceipt,
  type Message,
  type MessageNumber,
  type Outcome,
} from '../../wire/messages.ts'
import { FRAME } from '../../wire/numbers.ts'
import type { Session } from '../session/session.ts'
import type { PeerEffect } from './events.ts'
import { Inbox, type InboxMemory } from './inbox.ts'
import type { MessageSeals } from './message-seals.ts'

export class Received {
  readonly #inbox: Inbox
  readonly #seals: MessageSeals
  readonly #emit: (effect: PeerEffect) => void
  /** Messages that the application received but has not taken yet. */
  readonly #untaken = new Set<string>()

  constructor(
    memory: readonly InboxMemory[] | undefined,
    seals: MessageSeals,
    emit: (effect: PeerEffect) => void,
  ) {
    this.#inbox = new Inbox(memory)
    this.#seals = seals
    this.#emit = emit
  }

  /** The messages that the application has taken. After a crash it gets the others again. */
  memory(): InboxMemory[] {
    return this.#inbox.memory().map(({ sender, epoch, delivered }) => {
      const taken = delivered.filter((sequence) => !this.#untaken.has(nameOf(sender, { epoch, sequence })))
      return { sender, epoch, delivered: taken }
    })
  }

  /** Delivers what has waited too long for a message before it. */
  expire(now: number): void {
    this.#inbox.expire(now, this.#deliver)
  }

  deadline(): number {
    return this.#inbox.deadline()
  }

  /**
   * Delivers a message. It is acknowledged when the application has taken it, and a duplicate of a message taken before
   * is acknowledged immediately.
   */
  take(body: Uint8Array, session: Session, now: number): void {
    const message = decodeMessage(body)
    if (message === undefined) return
    if (this.#inbox.knows(message)) {
      if (!this.#untaken.has(nameOf(message.peer, message))) acknowledge(session, message.peer, message)
      return
    }
    const opened = this.#seals.open(message)
    if (opened.body !== undefined) this.#inbox.accept({ ...message, body: opened.body }, now, this.#deliver)
    else tell(session, message.peer, message, { outcome: 'unreadable', ...keyOf(opened) })
  }

  /** The application has taken a message. */
  taken(from: Message['peer'], number: MessageNumber, session: Session | undefined): void {
    this.#untaken.delete(nameOf(from, number))
    acknowledge(session, from, number)
  }

  readonly #deliver = ({ peer, epoch, sequence, sentAt, body }: Message): void => {
    const number = { epoch, sequence }
    this.#untaken.add(nameOf(peer, number))
    this.#emit({ kind: 'message', from: peer, number, sentAt, body })
  }
}

function acknowledge(session: Session | undefined, peer: Message['peer'], number: MessageNumber): void {
  tell(session, peer, number, { outcome: 'delivered' })
}

function tell(
  session: Session | undefined,
  peer: Message['peer'],
  { epoch, sequence }: MessageNumber,
  outcome: Outcome,
): void {
  session?.send(FRAME.RECEIPT, encodeReceipt({ peer, epoch, sequence, ...outcome }))
}

const keyOf = ({ key }: { readonly key: number | undefined }) => (key === undefined ? {} : { key })

const nameOf = (peer: string, { epoch, sequence }: MessageNumber): string => `${peer} ${epoch} ${sequence}`
