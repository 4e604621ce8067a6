/** Instant messages of a peer. Those that come while nobody listens wait here, not acknowledged, for the first listener. */
import type { PeerEffect, PeerInput } from '../shared/core/peer/events.ts'
import { StraightwayError } from '../shared/errors.ts'
import type { PeerId } from '../shared/ids.ts'
import { LIMITS } from '../shared/limits.ts'
import type { ReceiptOutcome } from '../shared/wire/messages.ts'
import type { Home } from './home/home.ts'
import { messageRefusal } from './outcomes.ts'
import { Pending } from './pending.ts'

/** More are dropped; their senders and mailboxes keep them. */
const MAX_WAITING = 256

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

type Arrived = Extract<PeerEffect, { kind: 'message' }>

export interface MessagesOptions {
  readonly home: Home
  readonly handle: (input: PeerInput) => void
  /** False where nobody listens. */
  readonly emit: (message: Message) => boolean
}

export class Messages {
  readonly #options: MessagesOptions
  readonly #sent = new Pending<Delivery>()
  #waiting: Arrived[] = []

  constructor(options: MessagesOptions) {
    this.#options = options
  }

  async send(to: PeerId, body: Uint8Array): Promise<Delivery> {
    if (body.length > LIMITS.messageBytes)
      throw new StraightwayError(
        'too-large',
        `A message has at most ${LIMITS.messageBytes} bytes: use a tunnel.`,
      )
    const { id, answer } = this.#sent.open()
    this.#options.handle({ kind: 'send', id, to, body })
    return answer
  }

  receipt(id: number, outcome: ReceiptOutcome): void {
    const refusal = messageRefusal(outcome)
    if (refusal !== undefined) this.#sent.reject(id, refusal)
    else this.#sent.resolve(id, outcome === 'stored' ? 'stored' : 'delivered')
  }

  arrived(message: Arrived): void {
    if (this.#waiting.length > 0 || !this.#deliver(message)) this.#keep(message)
  }

  /** Somebody listens now. */
  flush(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const message of waiting) this.arrived(message)
  }

  close(): void {
    this.#sent.close()
  }

  #keep(message: Arrived): void {
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(message)
  }

  #deliver({ from, number, sentAt, body }: Arrived): boolean {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.length)
    if (!this.#options.emit({ from, body: bytes, text: bytes.toString(), sentAt })) return false
    this.#options.home.deliver({ from, ...number })
    this.#options.handle({ kind: 'taken', from, number })
    return true
  }
}
