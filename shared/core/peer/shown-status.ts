import { encodeStatus } from '../../wire/presence.ts'
import type { OwnPresence } from './events.ts'

/** The status that this peer shows to others. A node is told once in each session, and after each change. */
export class ShownStatus {
  #presence: OwnPresence
  #version = 1
  /** It has not been sent in this session yet. */
  #isDue = false

  constructor(presence: OwnPresence) {
    this.#presence = presence
  }

  /** Changes it. Throws, and changes nothing, if it cannot be encoded. */
  set(presence: OwnPresence): void {
    encodeStatus({ version: 0, ...presence })
    this.#presence = presence
    this.changed()
  }

  /** The data sent with it has changed. */
  changed(): void {
    this.#version++
    this.#isDue = true
  }

  /** Starts a new session. */
  restart(): void {
    this.#isDue = true
  }

  /** Passes it to `send` if it is due, until that succeeds. `prekey`: sent with it. */
  send(prekey: Uint8Array | undefined, send: (body: Uint8Array) => boolean): void {
    if (!this.#isDue) return
    const body = encodeStatus({ version: this.#version, ...this.#presence, ...(prekey && { prekey }) })
    this.#isDue = !send(body)
  }
}
