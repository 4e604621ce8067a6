/**
 * STUN_FORWARD: an answer on its way to the partner, which sends it from its own address (README of `wire`, kind 0x30).
 *
 *   51 30 · nonce 24 · sealed for the fleet, purpose `stun`: sentAt u48 · socket u8 · destination 18 · answer
 *
 * `socket` 0 is the partner's primary port, 1 its alternate. One that is older or newer than FRESH_MS is dropped, so what was
 * overheard can be sent again only for so long, and then only within the rate limit of its destination.
 */
import { type FleetKeys, openFleet, sealFleet } from '../../crypto/fleet.ts'
import { ADDRESS_BYTES } from '../../wire/address.ts'
import { SLOT_BYTES } from '../../wire/batch.ts'
import { Reader, Writer } from '../../wire/cursor.ts'
import { KIND, VERSION } from '../../wire/numbers.ts'

/** How far the clocks of two nodes may be apart, as for NODE. */
const FRESH_MS = 30_000
const HEADER_BYTES = 2
const FIELD_BYTES = 7 + ADDRESS_BYTES
const SEAL_BYTES = 40

/** An answer longer than this does not fit into a slot once it is sealed. */
export const FORWARD_ANSWER_BYTES = (SLOT_BYTES - HEADER_BYTES - SEAL_BYTES - FIELD_BYTES) & ~3

export interface Forward {
  readonly socket: number
  readonly destination: Uint32Array
  readonly answer: Uint8Array
}

export const isForward = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === VERSION && bytes[at + 1] === KIND.STUN_FORWARD

/** `nonce`: 24 random bytes. `destinationAt`: where the five words of the destination begin. */
export function encodeForward(
  key: Uint8Array,
  nonce: Uint8Array,
  now: number,
  socket: number,
  destination: Uint32Array,
  destinationAt: number,
  answer: Uint8Array,
): Uint8Array {
  const plain = new Writer(new Uint8Array(FIELD_BYTES + answer.length))
  plain.u48(now).u8(socket).address(destination, destinationAt).put(answer)
  const sealed = sealFleet(key, 'stun', plain.done(), nonce)
  const writer = new Writer(new Uint8Array(HEADER_BYTES + sealed.length))
  return writer.u8(VERSION).u8(KIND.STUN_FORWARD).put(sealed).done()
}

/** `forged` where no key opens it or a field is wrong; `stale` where it was sealed at another time. */
export function decodeForward(
  keys: FleetKeys,
  datagram: Uint8Array,
  now: number,
): Forward | 'forged' | 'stale' {
  const plain = openFleet(keys, 'stun', datagram.subarray(HEADER_BYTES))
  if (plain === undefined) return 'forged'
  const reader = new Reader(plain)
  const sentAt = reader.u48()
  const socket = reader.u8()
  const { words } = reader.address()
  const answer = reader.rest()
  if (!reader.ok || socket > 1) return 'forged'
  if (Math.abs(now - sentAt) > FRESH_MS) return 'stale'
  return { socket, destination: words, answer }
}
