/** Names the faults that no test can notice, each with its reason. */
import type { Drawn } from './sample.ts'

interface Survivor {
  readonly file: string
  /** The text that is changed, and what it becomes. */
  readonly from: string
  readonly to: string
  readonly reason: string
}

const SURVIVORS: readonly Survivor[] = []

/** Says whether a fault is known to change nothing that anybody could see. */
export const mayLive = ({ file, mutant }: Drawn): boolean =>
  SURVIVORS.some((known) => known.file === file && known.from === mutant.from && known.to === mutant.to)
