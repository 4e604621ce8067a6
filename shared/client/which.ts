import { check, checkPeer, checkText } from '../arguments.ts'
import { StraightwayError } from '../errors.ts'
import type { PeerId, UserId } from '../ids.ts'
import { LIMITS } from '../limits.ts'

/** Selects peers: by a SCIM filter, by the id of a peer, or by the id of their user. */
export type Which = string | { readonly peer: PeerId } | { readonly user: UserId }

/** Checks a selection. Throws `bad-request` or `too-large`. */
export function checkedWhich(which: Which): Which {
  if (typeof which === 'object' && which !== null && 'peer' in which) checkPeer(which.peer, 'peer')
  else if (typeof which === 'object' && which !== null && 'user' in which) checkText(which.user, 'user')
  else {
    check(typeof which === 'string', 'which', 'a filter, `{ peer }` or `{ user }`', which)
    checkText(which, 'which', LIMITS.filterBytes)
  }
  return which
}

/** The filter of a selection. Throws `too-large`, because the id of a user may make the filter too long. */
export function filterOf(which: string | { readonly user: UserId }): string {
  const filter = typeof which === 'string' ? which : `user eq ${JSON.stringify(which.user)}`
  if (new TextEncoder().encode(filter).length > LIMITS.filterBytes)
    throw new StraightwayError('too-large', `A filter has at most ${LIMITS.filterBytes} bytes.`)
  return filter
}
