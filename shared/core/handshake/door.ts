/**
 * Who may join: looks at a JOIN and at nothing else but the keys of the fleet. What passes was sealed by a peer whom a
 * CHECKPOINT let into this very tunnel, on this very side.
 */
import { openBox, sealBox } from '../../crypto/box.ts'
import type { FleetKeys } from '../../crypto/fleet.ts'
import { type OpenedGrant, openGrant } from '../../crypto/grant.ts'
import type { Random } from '../../crypto/random.ts'
import type { Address } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import {
  decodeJoin,
  decodeJoinBody,
  encodeJoined,
  encodeJoinedBody,
  type JoinBody,
  NONCE_BYTES,
} from '../../wire/handshake.ts'
import type { Pending } from './leg.ts'

export interface Joiner {
  readonly grant: OpenedGrant
  readonly body: JoinBody
  /** The peer's. */
  readonly index: number
  /** No answer may be longer. */
  readonly joinBytes: number
}

/** Undefined where the grant is not ours or has ended, or the JOIN was not made with its key. */
export function openJoin(arrived: Batch, i: number, keys: FleetKeys, now: number): Joiner | undefined {
  const join = decodeJoin(arrived.at(i))
  const grant = join && openGrant(keys, 'handshake', join.grant)
  if (join === undefined || grant === undefined || grant.expiresAt <= now) return undefined
  const plaintext = openBox(grant.key, join.nonce, join.sealed)
  const body = plaintext && decodeJoinBody(plaintext)
  return body && { grant, body, index: join.index, joinBytes: arrived.length[i]! }
}

/** JOINED; undefined where it would be longer than the JOIN. The same keys each time, under another nonce. */
export function answerJoin(
  { grant, index, joinBytes }: Joiner,
  { session, nodeRandom }: Pending,
  observed: Address,
  random: Random,
  now: number,
): Uint8Array | undefined {
  const nonce = random.bytes(NONCE_BYTES)
  const body = encodeJoinedBody({ random: nodeRandom, observed, serverTime: now })
  const sealed = sealBox(grant.key, nonce, body)
  const joined = encodeJoined({ index, nodeIndex: session.index, nonce, sealed })
  return joined.length <= joinBytes ? joined : undefined
}
