/**
 * What a host has found out about the NAT in front of it. A new socket may hope for the same, so that an attempt need not
 * wait for the socket's own evidence; that is gathered all the same, and has the last word.
 */
import type { Profile } from '../../wire/profile.ts'

export type NatClass = Pick<Profile, 'mapping' | 'filtering' | 'forgiving' | 'hairpin' | 'hops'>
