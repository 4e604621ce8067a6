/**
 * Common ports: UDP ports at which a node serves all of its roles, besides the own port of each service. Firewalls often
 * let out UDP 443 (QUIC) and 3478 (conferencing) and little else. First bytes tell the services apart (README.md, section 1).
 */
import type { Batch } from './batch.ts'
import { KIND, VERSION } from './numbers.ts'
import { isStun } from './stun.ts'

/** In the order in which a peer tries them. */
export const COMMON_PORTS = [443, 3478] as const

/** Greatest bit of a node's index of a session: set by a HANDSHAKE, clear at a CHECKPOINT. */
export const HANDSHAKE_BIT = 0x8000_0000

export type CommonService = 'checkpoint' | 'handshake' | 'stun' | 'relay'

/** The service that datagram i is for; undefined if it is for none. */
export function serviceOf(batch: Batch, i: number): CommonService | undefined {
  const at = batch.start(i)
  if (isStun(batch.bytes, at)) return 'stun'
  if (batch.bytes[at] !== VERSION) return 'relay'
  switch (batch.bytes[at + 1]) {
    case KIND.SIGN_IN:
    case KIND.KEEP_ALIVE:
      return 'checkpoint'
    case KIND.SEALED:
      return (batch.bytes[at + 2]! & 0x80) === 0 ? 'checkpoint' : 'handshake'
    case KIND.JOIN:
      return 'handshake'
    case KIND.RELAY:
      return 'relay'
    // A STUN server has its primary port here too, and its partner sends to that.
    case KIND.STUN_FORWARD:
      return 'stun'
    default:
      return undefined
  }
}

/** True if a node sent this datagram as a relay: its control messages, and what it forwards. */
export function isFromRelay(bytes: Uint8Array): boolean {
  return !isStun(bytes) && (bytes[0] !== VERSION || bytes[1] === KIND.RELAY)
}
