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
  readonly directMs?: number
  readonly error?: string
}

/** A peer that is not up by then will not be. */
export const UP_MS = 15_000
/** An attempt that has not ended by then has failed. */
export const RUN_MS = 20_000
export const LATE: Attempt = { error: 'late' }
