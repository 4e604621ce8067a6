/**
 * The part of STUN (RFC 8489) that Binding needs, with NAT behaviour discovery (RFC 5780).
 *
 *   header     type u16 · length u16 (of the attributes, a multiple of 4) · cookie u32 · transaction 12
 *   attribute  type u16 · length u16 (of the value) · value · zeros up to a multiple of 4
 *
 * The two top bits of the type are zero, so the first byte of a message is 0 to 3. A server rejects a request with an
 * unknown attribute below 0x8000 and ignores unknown attributes from there on. `stun-request.ts` reads the requests at
 * a server, `stun-writer.ts` writes into a batch, `stun-client.ts` is the client's side.
 */
export const STUN_COOKIE = 0x2112a442
export const STUN_HEADER_BYTES = 20
export const TRANSACTION_BYTES = 12

/** Method Binding with the class bits of RFC 8489 section 5. */
export const STUN_TYPE = {
  request: 0x0001,
  indication: 0x0011,
  success: 0x0101,
  error: 0x0111,
} as const

export const ATTRIBUTE = {
  MAPPED_ADDRESS: 0x0001,
  CHANGE_REQUEST: 0x0003,
  USERNAME: 0x0006,
  MESSAGE_INTEGRITY: 0x0008,
  ERROR_CODE: 0x0009,
  UNKNOWN_ATTRIBUTES: 0x000a,
  REALM: 0x0014,
  NONCE: 0x0015,
  MESSAGE_INTEGRITY_SHA256: 0x001c,
  PASSWORD_ALGORITHM: 0x001d,
  USERHASH: 0x001e,
  XOR_MAPPED_ADDRESS: 0x0020,
  PADDING: 0x0026,
  RESPONSE_PORT: 0x0027,
  SOFTWARE: 0x8022,
  FINGERPRINT: 0x8028,
  RESPONSE_ORIGIN: 0x802b,
  OTHER_ADDRESS: 0x802c,
} as const

export const FIRST_OPTIONAL = 0x8000
export const FINGERPRINT_BYTES = 8
/** XORed with the CRC, so that it differs from a CRC that the payload may contain itself ("STUN"). */
export const FINGERPRINT_XOR = 0x5354554e

/** Flags of CHANGE-REQUEST (RFC 5780 section 7.2). */
export const CHANGE_IP = 4
export const CHANGE_PORT = 2

/** Family byte of an address attribute. */
export const FAMILY = { ipv4: 1, ipv6: 2 } as const

export const isStun = (bytes: Uint8Array, at = 0): boolean => bytes[at]! < 4

/** Rounds up to the next multiple of 4. */
export const padded = (length: number): number => (length + 3) & ~3
