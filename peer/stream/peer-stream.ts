import type { Duplex } from 'node:stream'

/**
 * A stream of a tunnel: a Duplex with the API of `net.Socket`, without its addresses. Code that takes a `net.Socket`
 * (`http`, `tls`, parsers) takes a PeerStream too. It differs from `net.Socket` in two ways:
 *
 * - If it is destroyed with an error, the other side fails with `closed`, so that truncated data never looks complete.
 * - Its errors are StraightwayErrors: `closed` instead of ECONNRESET and EPIPE, and `unauthenticated` if its bytes were
 *   changed on the way.
 */
export interface PeerStream extends Duplex {
  /** Name that the opener gave the stream; empty by default. */
  readonly name: string
  /** Bytes received, including those that the application has not read yet. */
  readonly bytesRead: number
  /** Bytes written, including those that have not been sent yet. */
  readonly bytesWritten: number
  /** State as in `net.Socket`. Never `opening`, because an application gets a stream only when it is open. */
  readonly readyState: 'open' | 'readOnly' | 'writeOnly' | 'closed'
  /** Always false: an application gets a stream only when it is connected. */
  readonly connecting: boolean
  /** Always false, for the same reason. */
  readonly pending: boolean
  /** Milliseconds without traffic after which `timeout` is emitted; 0 if never. */
  readonly timeout: number
  /**
   * Emits `timeout` after `ms` milliseconds without traffic; 0 turns it off. The stream stays open. Throws
   * `bad-request` if `ms` is not a number of 0 or more.
   */
  setTimeout(ms: number, callback?: () => void): this
  /** Does nothing: a stream always sends without delay. */
  setNoDelay(noDelay?: boolean): this
  /** Does nothing: the tunnel itself checks its path. */
  setKeepAlive(enable?: boolean, initialDelayMs?: number): this
  /** Does nothing: an open tunnel keeps the process alive. */
  ref(): this
  /** Does nothing: an open tunnel keeps the process alive. */
  unref(): this
  /** Destroys the stream after everything written has been handed to the network. */
  destroySoon(): void
  /** Destroys the stream without an error on this side. The other side fails with `closed`. */
  resetAndDestroy(): this
}
