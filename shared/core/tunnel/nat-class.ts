/**
 * What a host has found out about the NAT in front of it. A new socket may hope for the same, so that an attempt need not
 * wait for the socket's own evidence; that is gathered all the same, and has the last word.
 */
import type { Profile } from '../../wire/profile.ts'

export type NatClass = Pick<
  Profile,
  'mapping' | 'filtering' | 'allocation' | 'forgiving' | 'hairpin' | 'hops'
>

/** Whether a socket will be seen at its own port, and what comes there before it has sent does no harm. */
export const isForeseeable = (nat: NatClass | undefined): boolean =>
  nat?.mapping === 'independent' &&
  nat.allocation === 'preserving' &&
  (nat.forgiving || nat.filtering === 'independent')
