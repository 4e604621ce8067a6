import type { Batch } from '../../wire/batch.ts'

/** A datagram that wants an answer: the i-th that arrived, and where the answer goes. */
export interface Knock {
  readonly arrived: Batch
  readonly i: number
  readonly out: Batch
  readonly now: number
}
