/**
 * STUN_FORWARD: an answer handed to the partner, which sends it from its own address (README of `wire`, kind 0x30).
 *
 *   51 30 · nonce 24 · sealed for the fleet, purpose `stun`, additional data the partner's primary address 18:
 *   counter u64 · socket u8 · destination 18 · answer
 *
 * `socket` 0 is the partner's primary port, 1 its alternate. The counter is the time in milliseconds followed by ten
 * more bits, and is never used twice. A forward is dropped if its time differs by more than FRESH_MS, if it came
 * before, or if it is for another node.
 */
import { type FleetKeys, openFleet, sealFleet } from '../../crypto/fleet.ts'
import { ADDRESS_BYTES, type Address } from '../../wire/address.ts'
import { SLOT_BYTES } from '../../wire/batch.ts'
import { Reader, Writer } from '../../wire/cursor.ts'
import { KIND, VERSION } from '../../wire/numbers.ts'

/** Greatest difference between the clocks of two nodes, as for NODE. */
const FRESH_MS = 30_000
const HEADER_BYTES = 2
const FIELD_BYTES = 9 + ADDRESS_BYTES
/** Counters per millisecond. */
export const COUNTERS_PER_MS = 1024
const SEAL_BYTES = 40

/** An answer longer than this does not fit into a slot once it is sealed. */
export const FORWARD_ANSWER_BYTES = (SLOT_BYTES - HEADER_BYTES - SEAL_BYTES - FIELD_BYTES) & ~3

export interface Forward {
  readonly counter: number
  readonly socket: number
  readonly destination: Uint32Array
  readonly answer: Uint8Array
}

export const isForward = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === VERSION && bytes[at + 1] === KIND.STUN_FORWARD

/**
 * `nonce`: 24 random bytes. `to`: the partner's primary address. `destinationAt`: index of the first of the
 * destination's five words.
 */
export function encodeForward(
  key: Uint8Array,
  nonce: Uint8Array,
  to: Address,
  counter: number,
  socket: number,
  destination: Uint32Array,
  destinationAt: number,
  answer: Uint8Array,
): Uint8Array {
  const plain = new Writer(new Uint8Array(FIELD_BYTES + answer.length))
  plain.u64(counter).u8(socket).address(destination, destinationAt).put(answer)
  const sealed = sealFleet(key, 'stun', plain.done(), nonce, nameOf(to))
  const writer = new Writer(new Uint8Array(HEADER_BYTES + sealed.length))
  return writer.u8(VERSION).u8(KIND.STUN_FORWARD).put(sealed).done()
}

/** `forged` if no key opens it, it is not for `self` or a field is wrong; `stale` if it was sealed at another time. */
export function decodeForward(
  keys: FleetKeys,
  datagram: Uint8Array,
  self: Address,
  now: number,
): Forward | 'forged' | 'stale' {
  const plain = openFleet(keys, 'stun', datagram.subarray(HEADER_BYTES), nameOf(self))
  if (plain === undefined) return 'forged'
  const reader = new Reader(plain)
  const counter = reader.u64()
  const socket = reader.u8()
  const { words } = reader.address()
  const answer = reader.rest()
  if (!reader.ok || socket > 1) return 'forged'
  if (Math.abs(now - counter / COUNTERS_PER_MS) > FRESH_MS) return 'stale'
  return { counter, socket, destination: words, answer }
}

const nameOf = ({ words }: Address): Uint8Array =>
  new Writer(new Uint8Array(ADDRESS_BYTES)).address(words).done()
