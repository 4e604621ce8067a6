import { describe, expect, test } from 'vitest'
import type { UserId } from '../../shared/ids.ts'
import { LIMITS } from '../../shared/limits.ts'
import { EXTRA, MailboxShares } from '../../shared/model/mailbox-share.ts'

const user = (i: number) => `u_${i}` as UserId

/** Lets users in turn add what they may, until nobody may any more. */
function filledBy(users: number, shares = new MailboxShares()): number[] {
  const own = Array<number>(users).fill(0)
  for (let isFull = false; !isFull; ) {
    isFull = true
    for (let i = 0; i < users; i++) {
      if (!shares.hasPlaceFor(user(i))) continue
      shares.add(user(i), 1)
      own[i]!++
      isFull = false
    }
  }
  return own
}

describe('a mailbox', () => {
  test('is filled to half by one user, and to equal shares by several, which leave one more', () => {
    expect(filledBy(1)).toEqual([500])
    expect(filledBy(2)).toEqual([334, 333])
    expect(Math.max(...filledBy(9))).toBe(LIMITS.mailboxMessages / 10)
  })

  test('has a place for a friend, however many users fill it up to a hundred', () => {
    for (const users of [1, 2, 10, 50, 100]) {
      const shares = new MailboxShares()
      filledBy(users, shares)
      expect(shares.hasPlaceFor(user(1000))).toBe(true)
    }
  })

  test('of which no number of users makes more than its limit and a quarter', () => {
    const own = filledBy(1000)
    expect(own.reduce((sum, one) => sum + one)).toBe(LIMITS.mailboxMessages + EXTRA)
  })
})
