/** One that opens direct paths, in a laboratory, with a peer on each side. */
export interface Contestant {
  readonly name: 'straightway' | 'hyperdht' | 'libjuice'
  /** A peer on each side, after the routers were built anew. False where one of them does not come up. */
  stand(): Promise<boolean>
  /** One attempt, from left to right. */
  run(): Promise<Attempt>
}

/** How long until the path was direct, or why it was not. */
export interface Attempt {
  /** Until it says so itself. */
  readonly directMs?: number
  /** Until MESSAGE_BYTES have gone there and back on it. */
  readonly provenMs?: number
  readonly error?: string
}

/** In one packet, with what anybody adds to it. */
export const MESSAGE_BYTES = 1100
/** A peer that is not up by then will not be. */
export const UP_MS = 15_000
/** A message that is not back by then was lost, and is not waited for. */
export const ECHO_MS = 3000
/** An attempt that has not ended by then has failed. */
export const RUN_MS = 20_000
export const LATE: Attempt = { error: 'late' }
