/**
 * The class of a host's NAT, as earlier sockets measured it. A new socket expects the same, so that an attempt need not wait
 * for the socket's own evidence. The socket's own evidence is still gathered, and overrides the expectation.
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
