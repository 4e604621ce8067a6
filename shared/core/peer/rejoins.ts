/**
 * Tunnels that want to be led to a HANDSHAKE again. A wish lasts for as long as the tunnel would wait before it asks anew,
 * so that one that comes while there is no session, or goes down with one, is carried by the next.
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

  /** It is led there, or is over. */
  settle(tunnel: TunnelId): void {
    this.#wanted.delete(tunnel)
  }

  /** A new session knows nothing of what the last one carried. */
  restart(): void {
    for (const wanted of this.#wanted.values()) wanted.isSent = false
  }

  /** `send`: false where the session takes no more. */
  send(now: number, send: (rejoin: Rejoin) => boolean): void {
    for (const [tunnel, wanted] of this.#wanted) {
      if (now >= wanted.until) this.#wanted.delete(tunnel)
      else if (!wanted.isSent) wanted.isSent = send(wanted.rejoin)
    }
  }
}
