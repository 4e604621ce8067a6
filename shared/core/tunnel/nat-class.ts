/**
 * What a host has found out about its NAT. A new socket may expect the same, so that an attempt need not wait for the
 * socket's own evidence. That is gathered nevertheless and overrides the expectation.
 */
import type { Profile } from '../../wire/profile.ts'

export type NatClass = Pick<
  Profile,
  'mapping' | 'filtering' | 'allocation' | 'forgiving' | 'hairpin' | 'hops'
>

/** True if a socket will be seen at its own port. */
export const isForeseeable = (nat: Pick<NatClass, 'mapping' | 'allocation'> | undefined): boolean =>
  nat?.mapping === 'independent' && nat.allocation === 'preserving'

/** True if a packet that reaches a port before the host has sent from it does no harm. */
export const isForgiving = ({ forgiving, filtering }: NatClass): boolean =>
  forgiving || filtering === 'independent'
