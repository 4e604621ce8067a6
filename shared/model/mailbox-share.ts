/**
 * How a mailbox is shared out. A user, with all its peers, may have no more messages in it than there are free places. So one
 * fills half of it at most, two a third each, and whoever comes next finds some. Should so many users, or nodes that count
 * apart, fill it all the same, FEW messages of anybody are still taken, up to EXTRA in all.
 */
import type { UserId } from '../ids.ts'
import { LIMITS } from '../limits.ts'

export const FEW = 10
export const EXTRA = 250

/** What is in a mailbox; undefined: senders whose user is not known. */
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
