/**
 * Tunnels that ask to be directed to a HANDSHAKE again. A request is kept until the tunnel would ask anew. So a request
 * that is made without a session, or lost with one, is sent by the next session.
 */
import type { TunnelId } from '../../ids.ts'
import type { Rejoin } from '../../wire/offers.ts'

/** A tunnel asks again after this (`tunnel/attempts.ts`). */
const LASTING_MS = 10_000

interface Wanted {
  readonly rejoin: Rejoin
  readonly until: number
  isSent: boolean
}

export class Rejoins {
  readonly #wanted = new Map<TunnelId, Wanted>()

  want(rejoin: Rejoin, now: number): void {
    this.#wanted.set(rejoin.tunnel, { rejoin, until: now + LASTING_MS, isSent: false })
  }

  /** The tunnel was directed to a HANDSHAKE, or has ended. */
  settle(tunnel: TunnelId): void {
    this.#wanted.delete(tunnel)
  }

  /** Starts a new session, which knows nothing of what the last one carried. */
  restart(): void {
    for (const wanted of this.#wanted.values()) wanted.isSent = false
  }

  /** `send`: returns false if the session accepts no more. */
  send(now: number, send: (rejoin: Rejoin) => boolean): void {
    for (const [tunnel, wanted] of this.#wanted) {
      if (now >= wanted.until) this.#wanted.delete(tunnel)
      else if (!wanted.isSent) wanted.isSent = send(wanted.rejoin)
    }
  }
}
