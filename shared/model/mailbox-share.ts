/**
 * The quota of senders in a mailbox. A user, with all its peers, may have at most as many messages in it as there are free
 * places. So one sender fills at most half of it, two fill a third each, and the next sender still finds places.
 *
 * A mailbox can still become full, because of many senders or of nodes that count separately. Then each sender may still
 * store FEW messages, up to EXTRA messages in total above the limit.
 */
import type { UserId } from '../ids.ts'
import { LIMITS } from '../limits.ts'

export const FEW = 10
export const EXTRA = 250

/** Number of messages in a mailbox, by the sender's user. `undefined` stands for all senders whose user is not known. */
export class MailboxShares {
  total = 0
  readonly #ofUser = new Map<UserId | undefined, number>()

  add(sender: UserId | undefined, by: 1 | -1): void {
    this.total += by
    this.#ofUser.set(sender, this.#of(sender) + by)
  }

  hasPlaceFor(sender: UserId | undefined): boolean {
    const [own, free] = [this.#of(sender), LIMITS.mailboxMessages - this.total]
    return own < free || (own < FEW && free > -EXTRA)
  }

  #of(sender: UserId | undefined): number {
    return this.#ofUser.get(sender) ?? 0
  }
}
