/**
 * A ticket lists the user's networks and blocks and rides in the first datagram to a node, so together they have a
 * budget: 24 networks leave room for one blocked peer or two blocked users, 15 networks for eight blocked users.
 */
import { LIMITS } from '../limits.ts'
import { jsonBytes } from './json.ts'

/** SIGN_IN has 22 bytes of header, 96 of Noise message 1, 8 around the ticket. */
const TICKET_BYTES = LIMITS.datagramBytes - 126
/** Header with a key id of 16 letters, signature of 64 bytes, two dots; base64url makes 4 letters of 3 bytes. */
const CLAIMS_BYTES = Math.floor(((TICKET_BYTES - 54 - 86 - 2) * 3) / 4)
/** `sub`, `usr`, `iat`, `exp`, the names of `net` and `blk`, all punctuation outside the two lists. */
const FIXED_BYTES = 140

export function fitsTicket(networks: readonly string[], blocks: readonly string[]): boolean {
  return (
    networks.length <= LIMITS.networksPerUser &&
    blocks.length <= LIMITS.blocksPerUser &&
    FIXED_BYTES + jsonBytes(networks) + jsonBytes(blocks) - 4 <= CLAIMS_BYTES
  )
}
