/**
 * Tells which mailboxes to read again because the peer holds messages of a page: it waits for one that comes before them. A push
 * tells that such a message was stored, but the push may be late or lost. Or the message is behind the page, because the clock of
 * its sender was set back. A page is looked at every 2 s, and its mailbox is read again after 2, 6, 14 and 30 s. After a minute
 * the peer goes on without the message (`peer/inbox.ts`).
 */
import { DelayLine } from '../session/delay-line.ts'
import type { Inflow } from './inflow.ts'
import type { PeerSession } from './peer-session.ts'

const LOOK_MS = 2000
const LOOKS = 15

export class HeldPages {
  readonly #pages = new DelayLine<PeerSession>(LOOK_MS)

  /** Call when a page was handed to the peer. */
  put(to: PeerSession, inflow: Inflow, now: number): void {
    if (!inflow.isLookedAt) this.#pages.put(to, now)
    inflow.isLookedAt = true
  }

  /** Calls `read` for each peer whose mailbox is to be read again. */
  tick(now: number, read: (to: PeerSession, inflow: Inflow) => void): void {
    for (let to = this.#pages.take(now); to !== undefined; to = this.#pages.take(now)) {
      const { inflow } = to
      if (inflow === undefined || !inflow.isLookedAt) continue
      inflow.isLookedAt = false
      if (to.stage !== 'online' || inflow.mail.size === 0) continue
      inflow.looks++
      if (inflow.looks < LOOKS) this.put(to, inflow, now)
      const isTime = (inflow.looks & (inflow.looks + 1)) === 0
      if (isTime && inflow.mailbox === 'handing') read(to, inflow)
    }
  }

  deadline(): number {
    return this.#pages.deadline()
  }
}
