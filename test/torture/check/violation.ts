/** Something in a history that must not be. */
export interface Violation {
  readonly kind: ViolationKind
  /** Time of the entry that shows it. */
  readonly at: number
  /** One sentence with the names of the peers, messages and keys. */
  readonly what: string
}

export const VIOLATIONS = [
  /** A message was acknowledged, as delivered or as stored, and never arrived. */
  'lost',
  /** A message arrived twice. */
  'duplicated',
  /** A message arrived after a later one of the same sender. */
  'reordered',
  /** A message arrived although the sender was told that it never will. */
  'refusedDelivered',
  /** A message of a blocked user arrived during the block. */
  'blockedDelivered',
  /** The promise of a message never settled. */
  'unsettled',
  /** A message arrived that nobody sent, or at a peer that it was not sent to. */
  'invented',
  /** A peer does not see the truth about another one ten seconds after the last change. */
  'presenceWrong',
  /** A listing of members, or the networks that a peer believes to be in, differ from what was written. */
  'membershipsWrong',
  /** A search differs from what was written. */
  'indexWrong',
  /** A peer that tried to join did not succeed before the end. */
  'stuck',
] as const

export type ViolationKind = (typeof VIOLATIONS)[number]
