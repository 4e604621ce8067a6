/** Judges a candidate by the index alone: it is refuted, or it has to be read at a known cost. */
import type { Filter } from '../model/filter/ast.ts'
import { refutes } from '../model/search/card.ts'
import { instantOf } from '../model/search/encode.ts'
import { type Reach, timeOf } from '../model/search/history.ts'
import type { Plan, Range } from '../model/search/plan.ts'
import { isOfSeveral, valueIn } from '../model/search/terms.ts'
import type { Posting } from './index-changes.ts'
import type { Candidate } from './walk.ts'

export interface Consideration {
  readonly plan: Plan
  readonly reach: Reach
  readonly filter: Filter | undefined
  readonly isCarried: (attribute: string) => boolean
  /** True if presence or other live attributes affect which records are found, or their order. */
  readonly isByPresence: boolean
}

export interface Considered {
  readonly candidate: Candidate
  /** The candidate cannot match: its record need not be read. */
  readonly isRefuted: boolean
  /** True if the record may have another place in this search. Its manifest has to be read to decide. */
  readonly isDoubtful: boolean
  /** Cost of reading the record, in read units. */
  readonly units: number
}

export function consider(candidate: Candidate, given: Consideration): Considered {
  const { reach, filter, isCarried } = given
  const time = timeOf(reach)
  const seen = candidate.postings.filter(({ until }) => until === undefined || until > time)
  const open = seen.filter(({ until }) => until === undefined)
  const cards = open.flatMap(({ card }) => (card === undefined ? [] : [card]))
  const isRefuted =
    filter !== undefined &&
    open.length > 0 &&
    cards.length === open.length &&
    cards.every((card) => refutes(card, filter, isCarried))
  if (isRefuted || seen.length === 0) return { candidate, isRefuted: true, isDoubtful: false, units: 0 }
  const isDoubtful = doubtful(candidate, open, given)
  const records = Math.max(...seen.map(({ units = 1 }) => units))
  return { candidate, isRefuted: false, isDoubtful, units: records / 2 + (isDoubtful ? 1 : 0) }
}

/**
 * True if the record may have another place in this search. Within one block there is no doubt
 *
 *   - if the plan is read by id, or lists present peers;
 *   - if the plan reads one attribute only, the record has a single value there, and its entry is older than the
 *     search.
 */
function doubtful(
  { range, entry }: Candidate,
  open: readonly Posting[],
  { plan, reach }: Consideration,
): boolean {
  if (severalBlocks(reach)) return true
  if (plan.byId || plan.present) return false
  const bounds = plan.ranges[range]!
  if (plan.ranges.some(({ attribute }) => attribute !== bounds.attribute)) return true
  return !open.some(({ at }) => at <= timeOf(reach)) || mayBeTwice(entry, bounds)
}

function severalBlocks({ blocks }: Reach): boolean {
  return blocks.length > 2 || (blocks[0]!.length > 0 && blocks.length > 1)
}

/** A date-time is indexed both as text and as an instant. A range that spans several kinds contains both. */
function mayBeTwice(entry: string, { from, to }: Range): boolean {
  const value = valueIn(entry)
  if (isOfSeveral(value)) return true
  const isOfOneKind = from[0] === to[0]
  return !isOfOneKind && (value.startsWith('d') || instantOf(value.slice(1)) !== undefined)
}
