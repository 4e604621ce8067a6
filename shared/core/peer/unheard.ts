import type { PeerEffect } from './events.ts'

type Message = Extract<PeerEffect, { kind: 'message' }>

/** Messages kept while the application does not listen. A node delivers at most 256 and a page of the mailbox. */
const MAX_UNHEARD = 1024

/** Passes messages to the application, in order. They wait here until it listens. */
export class Unheard {
  readonly #emit: (message: Message) => void
  /** Undefined while the application listens. */
  #waiting: Message[] | undefined = []

  constructor(emit: (message: Message) => void) {
    this.#emit = emit
  }

  /** A message arrived. If too many wait already, it is dropped without an acknowledgement, so it is sent again. */
  put(message: Message): void {
    if (this.#waiting === undefined) this.#emit(message)
    else if (this.#waiting.length < MAX_UNHEARD) this.#waiting.push(message)
  }

  /** A message was emitted when nobody listened any more. */
  putBack(message: Message): void {
    this.#waiting ??= []
    this.put(message)
  }

  listening(isListening: boolean): void {
    const waiting = this.#waiting ?? []
    this.#waiting = isListening ? undefined : waiting
    if (isListening) for (const message of waiting) this.#emit(message)
  }
}
