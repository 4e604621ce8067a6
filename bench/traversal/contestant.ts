/** A system under comparison, which opens direct paths in the laboratory between a peer on each side. */
export interface Contestant {
  readonly name: 'straightway' | 'hyperdht' | 'libjuice'
  /** Starts a peer on each side, after the routers were rebuilt. False if one of them does not come up. */
  stand(): Promise<boolean>
  /** Makes one attempt, from left to right. */
  run(): Promise<Attempt>
}

/** Result of an attempt: the time until the path was direct, or the reason why it was not. */
export interface Attempt {
  /** Time until the system reports a direct path. */
  readonly directMs?: number
  /** Time until MESSAGE_BYTES have made a round trip on it. */
  readonly provenMs?: number
  readonly error?: string
}

/** Length of a message. It fits into one packet with the headers of each system. */
export const MESSAGE_BYTES = 1100
/** Timeout for a peer to come up. */
export const UP_MS = 15_000
/** Timeout for a message's round trip. */
export const ECHO_MS = 3000
/** Timeout of an attempt. */
export const RUN_MS = 20_000
export const LATE: Attempt = { error: 'late' }
