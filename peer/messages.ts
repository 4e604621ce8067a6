/** Promises for the instant messages of an endpoint, and those that come, with Node's types. */
import type { EndpointEffect, EndpointInput } from '../shared/core/peer/events.ts'
import { StraightwayError } from '../shared/errors.ts'
import type { PeerId } from '../shared/ids.ts'
import type { ReceiptOutcome } from '../shared/wire/messages.ts'
import type { Home } from './home/home.ts'
import { messageRefusal } from './outcomes.ts'
import { Pending } from './pending.ts'

/** `stored`: the recipient is away, and gets it when it is back. */
export type Delivery = 'delivered' | 'stored'

/** A message of another peer. It comes once, and in the order in which that peer sent it. */
export interface Message {
  readonly from: PeerId
  readonly body: Buffer
  /** The body as UTF-8. */
  readonly text: string
  /** Epoch milliseconds, by the sender. */
  readonly sentAt: number
}

type Arrived = Extract<EndpointEffect, { kind: 'message' }>

export interface MessagesOptions {
  readonly home: Home
  readonly handle: (input: EndpointInput) => void
  /** False if nobody listens. */
  readonly emit: (message: Message) => boolean
}

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

  /** Taken when every listener has returned. If the last one has just gone, the endpoint keeps it for the next. */
  arrived(message: Arrived): void {
    const { from, number, sentAt, body } = message
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.length)
    if (!this.#options.emit({ from, body: bytes, text: bytes.toString(), sentAt })) {
      this.#options.handle({ kind: 'unheard', message })
      return
    }
    this.#options.home.deliver({ from, ...number })
    this.#options.handle({ kind: 'taken', from, number })
  }

  /** The endpoint failed at it. */
  broken(input: EndpointInput, error: StraightwayError): void {
    if (input.kind === 'send') this.#sent.reject(input.id, error)
  }

  close(): void {
    this.#sent.close()
  }
}
