/**
 * Decides what the two sides of an offer tell each other about the ports at which they will be seen. Its purpose is a
 * direct path one round trip after the answer. The accepting side sends first: its NAT is open before the other side
 * learns its port.
 *
 * The rows are the accepting side, the columns the offering side:
 *
 *                   its address is unknown   tolerates early packets   reacts badly to them
 *   unforeseeable   tells nothing            tells nothing             tells nothing
 *   tolerates       tells its port           tells its port            opens with a TTL, tells its port
 *   reacts badly    tells nothing            opens, tells its port     opens with a TTL, tells its port
 *
 * A packet with a TTL opens this side's NAT and expires before it reaches the other NAT. This requires the measured
 * number of hops. Without it, a side that reacts badly tells nothing. A side that tolerates early packets tells its
 * port and sends nothing until the HANDSHAKE directs it to the other side.
 */
import { type Address, isNowhere } from '../../wire/address.ts'
import type { Foreseen } from '../../wire/offers.ts'
import { isForeseeable, isForgiving, type NatClass } from './nat-class.ts'

export const UNFORESEEN: Foreseen = { port: 0, forgiving: false }

/** The expectation that an offer carries. */
export function foresee(nat: NatClass | undefined, port: number): Foreseen {
  return nat !== undefined && isForeseeable(nat) ? { port, forgiving: isForgiving(nat) } : UNFORESEEN
}

export interface Reply {
  /** Port at which the tunnel's socket will probably be seen; 0 if it cannot be predicted. */
  readonly port: number
  /** TTL of a packet sent to the other side's expected address before the answer; 0 for the system's default. */
  readonly openingTtl?: number
}

const SILENT: Reply = { port: 0 }

/** The content of an answer, and the packet sent before it. `expected`: expected address of the offering side. */
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
