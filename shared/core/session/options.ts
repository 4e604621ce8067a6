/** Interfaces of a `Session`. */
import type { Channel } from '../../crypto/channel.ts'
import type { Random } from '../../crypto/random.ts'
import type { AddressCredit } from '../address-credit.ts'
import type { Session } from './session.ts'

export interface SessionOptions {
  /** The index of the session at this end, and at the other end. */
  readonly index: number
  readonly remoteIndex: number
  readonly channel: Channel
  /** Five words from `addressAt`, overwritten when the session moves. */
  readonly address: Uint32Array
  readonly addressAt?: number
  readonly socket?: number
  /** Source of the challenges that let the session follow its peer to a new address. Default: the address never changes. */
  readonly challenges?: Random
  /** Called when the session has followed its peer to a new address. */
  readonly onMoved?: (session: Session) => void
  /** Bytes that an unvalidated `address` may be sent until the first datagram opens. Default: the address is validated. */
  readonly credit?: AddressCredit
  /** How long an acknowledgement may wait for other frames to share its packet, in milliseconds. Default 0. */
  readonly ackDelayMs?: number
  /** Randomness of the side that renews the keys. Default: only the other side does. */
  readonly renews?: Random | undefined
  readonly now: number
}

/** Receives the frames of many sessions. `body` is a view that is valid only during the call. */
export interface FrameSink {
  frame(session: Session, type: number, body: Uint8Array, now: number): void
}

export type SessionState = 'open' | 'closed' | 'left' | 'dead'
