import type { Batch } from '../../wire/batch.ts'

/** A datagram that requests an answer: the i-th of `arrived`. The answer goes to `out`. */
export interface Knock {
  readonly arrived: Batch
  readonly i: number
  readonly out: Batch
  readonly now: number
}
