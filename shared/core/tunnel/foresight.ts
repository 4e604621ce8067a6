/**
 * What the two sides of an offer can tell each other of where they will be seen, so that a path is direct one round trip
 * after the answer. Whoever accepts moves first: its NAT is open before the other side hears of its port.
 *
 *                                 the offering side is nowhere   forgives early packets        minds them
 *   accepting: unforeseeable      tells nothing                  tells nothing                 tells nothing
 *              forgives           tells its port                 tells its port                opens with a TTL, tells its port
 *              minds              tells nothing                  opens, tells its port         opens with a TTL, tells its port
 *
 * A packet with a TTL opens the own NAT and dies before the other one: that needs the hops of the own NAT. Without them a
 * side that minds tells nothing, and one that forgives hears of the other side when the HANDSHAKE has led it there.
 */
import { type Address, isNowhere } from '../../wire/address.ts'
import type { Foreseen } from '../../wire/offers.ts'
import { isForeseeable, isForgiving, type NatClass } from './nat-class.ts'

export const UNFORESEEN: Foreseen = { port: 0, forgiving: false }

/** What an offer tells. */
export function foresee(nat: NatClass | undefined, port: number): Foreseen {
  return nat !== undefined && isForeseeable(nat) ? { port, forgiving: isForgiving(nat) } : UNFORESEEN
}

export interface Reply {
  /** As in Foreseen. */
  readonly port: number
  /** Hops of a packet that goes to where the other side will be seen, before the answer; 0: as many as it takes. */
  readonly openingTtl?: number
}

const SILENT: Reply = { port: 0 }

/** What an answer tells, and does first. `expected`: where the offering side will be seen. */
export function reply(
  nat: NatClass | undefined,
  port: number,
  expected: Address,
  isOtherForgiving: boolean,
): Reply {
  const own = foresee(nat, port)
  const told = { port: own.port }
  if (nat === undefined || own.port === 0) return SILENT
  if (isNowhere(expected)) return own.forgiving ? told : SILENT
  if (isOtherForgiving) return own.forgiving ? told : { ...told, openingTtl: 0 }
  if (nat.hops > 0) return { ...told, openingTtl: nat.hops }
  return own.forgiving ? told : SILENT
}
