/**
 * What a host has found out about the NAT in front of it. A new socket may hope for the same, so that an attempt need not
 * wait for the socket's own evidence; that is gathered all the same, and has the last word.
 */
import type { Profile } from '../../wire/profile.ts'

export type NatClass = Pick<
  Profile,
  'mapping' | 'filtering' | 'allocation' | 'forgiving' | 'hairpin' | 'hops'
>

/** Whether a socket will be seen at its own port. */
export const isForeseeable = (nat: Pick<NatClass, 'mapping' | 'allocation'> | undefined): boolean =>
  nat?.mapping === 'independent' && nat.allocation === 'preserving'

/** What comes to a port before anything has left from there does no harm. */
export const isForgiving = ({ forgiving, filtering }: NatClass): boolean =>
  forgiving || filtering === 'independent'
