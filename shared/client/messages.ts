/** The instant messages of an endpoint as promises: those sent, and those that arrive. */
import type { EndpointEffect, EndpointInput } from '../core/peer/events.ts'
import { messageRefusal } from '../core/peer/outcomes.ts'
import { StraightwayError } from '../errors.ts'
import type { PeerId } from '../ids.ts'
import type { ReceiptOutcome } from '../wire/messages.ts'
import { type Home, whenStored } from './home.ts'
import { Pending } from './pending.ts'

/** Outcome of a message. `stored`: the recipient is offline and gets it when it is back. */
export type Delivery = 'delivered' | 'stored'

/** A message from another peer. Each message arrives once, and in the order in which its sender sent it. */
export interface Message {
  /** The sender. */
  readonly from: PeerId
  readonly body: Uint8Array
  /** The body decoded as UTF-8. */
  readonly text: string
  /** Epoch milliseconds, by the sender's clock. */
  readonly sentAt: number
}

type Arrived = Extract<EndpointEffect, { kind: 'message' }>

export interface MessagesOptions {
  readonly home: Home
  readonly handle: (input: EndpointInput) => void
  /** Returns false if there is no listener. */
  readonly emit: (message: Message) => boolean
  /** The home could not store that a message was delivered. */
  readonly failed: (error: unknown) => void
}

/** Sends and receives the messages of an endpoint. */
export class Messages {
  readonly #options: MessagesOptions
  readonly #sent = new Pending<Delivery>()

  constructor(options: MessagesOptions) {
    this.#options = options
  }

  send(to: PeerId, body: Uint8Array, signal?: AbortSignal): Promise<Delivery> {
    const forget = (id: number) => this.#options.handle({ kind: 'forget', what: 'send', id })
    const { id, answer } = this.#sent.open(signal, forget)
    this.#options.handle({ kind: 'send', id, to, body })
    return answer
  }

  receipt(id: number, outcome: ReceiptOutcome): void {
    const refusal = messageRefusal(outcome)
    if (refusal !== undefined) this.#sent.reject(id, refusal)
    else this.#sent.resolve(id, outcome === 'stored' ? 'stored' : 'delivered')
  }

  unanswered(id: number): void {
    const detail =
      'The recipient is online and has not taken the message for 30 s: its application may take none. It may still arrive.'
    this.#sent.reject(id, new StraightwayError('timeout', detail))
  }

  /**
   * Hands a message to the application and acknowledges it when every listener has returned. If there is no listener
   * any more, the endpoint keeps the message for the next one.
   */
  arrived(message: Arrived): void {
    const { from, number, sentAt, body } = message
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(body)
    if (!this.#options.emit({ from, body, text, sentAt })) {
      this.#options.handle({ kind: 'unheard', message })
      return
    }
    const stored = this.#options.home.deliver({ from, ...number })
    whenStored(stored, () => this.#options.handle({ kind: 'taken', from, number }), this.#options.failed)
  }

  /** Rejects the promise of an input at which the endpoint threw. */
  broken(input: EndpointInput, error: StraightwayError): void {
    if (input.kind === 'send') this.#sent.reject(input.id, error)
  }

  close(): void {
    this.#sent.close()
  }
}
