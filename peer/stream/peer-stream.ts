import type { Duplex } from 'node:stream'

/**
 * A stream of a tunnel: a Duplex with the surface of `net.Socket` that does not speak of addresses, so that what takes a
 * `net.Socket` (`http`, `tls`, parsers) takes this. It behaves as one, with two differences: destroyed with an error it
 * fails on the other side with `closed`, as half of what was meant must not look whole, and its errors are
 * StraightwayErrors: `closed` where TCP has ECONNRESET and EPIPE, `unauthenticated` if its bytes were changed on the way.
 */
export interface PeerStream extends Duplex {
  /** What the opener called it; empty without a name. */
  readonly name: string
  /** Bytes that the application has read, or that wait for it. */
  readonly bytesRead: number
  /** Bytes written, those included that are not sent yet. */
  readonly bytesWritten: number
  /** As of `net.Socket`; never `opening`, as an application has it only when it is open. */
  readonly readyState: 'open' | 'readOnly' | 'writeOnly' | 'closed'
  /** False: it is connected once an application has it. */
  readonly connecting: boolean
  /** False, for the same reason. */
  readonly pending: boolean
  /** Milliseconds without traffic after which `timeout` is emitted; 0: never. */
  readonly timeout: number
  /** Emits `timeout` after `ms` without traffic, and does nothing else; 0 switches it off. Throws `bad-request`. */
  setTimeout(ms: number, callback?: () => void): this
  /** Does nothing: a stream sends what is written without delay. */
  setNoDelay(noDelay?: boolean): this
  /** Does nothing: the tunnel checks its path by itself. */
  setKeepAlive(enable?: boolean, initialDelayMs?: number): this
  /** Does nothing: an open tunnel keeps the process alive. */
  ref(): this
  /** Does nothing: an open tunnel keeps the process alive. */
  unref(): this
  /** Destroys it when all that was written has been handed over. */
  destroySoon(): void
  /** Destroys it without an error here; the other side fails with `closed`. */
  resetAndDestroy(): this
}
