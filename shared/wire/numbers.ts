/** All numbers of the protocol. The README in this folder describes what each message carries. */

/** First byte of every datagram that a node receives or sends: version 1. */
export const VERSION = 0x51

/** Second byte: the kind of datagram. */
export const KIND = {
  SIGN_IN: 0x01,
  WELCOME: 0x02,
  COOKIE: 0x03,
  SEALED: 0x05,
  KEEP_ALIVE: 0x06,
  KEEP_ALIVE_ACK: 0x07,
  GONE: 0x08,
  JOIN: 0x10,
  JOINED: 0x11,
  NODE: 0x20,
  STUN_FORWARD: 0x30,
  RELAY: 0x40,
} as const

/** Types of frames in SEALED, NODE and tunnel CONTROL. In a session, frames from RELIABLE on carry a `ref`. */
export const RELIABLE = 0x80
export const FRAME = {
  ACK: 0x01,
  PING: 0x02,
  PONG: 0x03,
  GOODBYE: 0x04,
  PATH_CHALLENGE: 0x05,
  PATH_RESPONSE: 0x06,
  PROBE: 0x10,
  PROBE_ACK: 0x11,
  CLOSE: 0x12,
  STREAM_OPEN: 0x13,
  STREAM_ACCEPT: 0x14,
  STREAM_REFUSE: 0x15,
  MOVE: 0x16,
  PROBE_BACK: 0x17,
  REKEY: 0x18,
  REKEYED: 0x19,
  STATUS: 0x80,
  MESSAGE: 0x81,
  RECEIPT: 0x82,
  FIND: 0x83,
  FOUND: 0x84,
  FOUND_END: 0x85,
  PRESENCE: 0x86,
  CHANGE: 0x87,
  OFFER: 0x88,
  ANSWER: 0x89,
  REJOIN: 0x8a,
  TICKET: 0x8b,
  KNOWN: 0x8c,
  MISSED: 0x8d,
  PACE: 0x8e,
  TIME: 0x8f,
  SEEN: 0x90,
  ASK_PREKEY: 0x91,
  PREKEY: 0x92,
  RENEW: 0x93,
  RENEWED: 0x94,
  PROFILE: 0xa0,
  RELAYED: 0xa1,
  STEP: 0xa2,
  RESULT: 0xa3,
  OUTCOME: 0xa4,
  FORWARD_MESSAGE: 0xc0,
  FORWARD_RECEIPT: 0xc1,
  FORWARD_OFFER: 0xc2,
  FORWARD_ANSWER: 0xc3,
  FORWARD_REJOIN: 0xc4,
  MOVED: 0xc5,
} as const

export const WELCOME_STATUS = {
  welcome: 0,
  invalid: 1,
  ended: 2,
  otherKey: 3,
  clock: 4,
  draining: 5,
  revoked: 6,
} as const
export const GOODBYE_REASON = {
  leaving: 0,
  replaced: 1,
  draining: 2,
  revoked: 3,
  ticketEnded: 4,
  closed: 5,
} as const
export const STATUS = { online: 0, away: 1, busy: 2, invisible: 3, offline: 4, unknown: 5 } as const
/** 2 is unused, here and in ANSWER_OUTCOME: a blocked sender gets the same answer as if the recipient were away. */
export const RECEIPT_OUTCOME = {
  delivered: 0,
  stored: 1,
  unknownPeer: 3,
  mailboxFull: 4,
  tooLarge: 5,
  rateLimited: 6,
  unreadable: 7,
  taken: 254,
  notHere: 255,
} as const
export const ANSWER_OUTCOME = {
  accepted: 0,
  refused: 1,
  unknownPeer: 3,
  offline: 4,
  policy: 5,
  unavailable: 6,
  rateLimited: 7,
  ringing: 8,
} as const
/** Size of a published prekey: its key, the time of its signature, and the signature. */
export const PREKEY_BYTES = 32 + 6 + 64
export const STEP_KIND = { lan: 0, ipv6: 1, mapped: 2, open: 3, punch: 4, predict: 5, scatter: 6 } as const

/** Types of tunnel packets. */
export const TUNNEL = { DATA: 0x60, CONTROL: 0x61, CLEAR: 0x62 } as const
/** Added to the type of a tunnel packet after every second renewal of the keys. */
export const KEY_PHASE = 0x08

/**
 * Prefix of RELAY control messages, which applications are unlikely to use at the start of a datagram. The op follows.
 */
export const RELAY_PREFIX = Uint8Array.of(0x51, 0x40, 0x53, 0x57, 0x52, 0x4c, 0x59, 0x31)
export const RELAY_OP = { BIND: 1, BOUND: 2, CONFIRM: 3, RELEASE: 4, UNBOUND: 5, KEEP: 6, KEPT: 7 } as const
