/**
 * The bounds within which the model is explored. Each bound says how many messages there are and how often what may go wrong, in any order and
 * at any moment. Everything within a bound is visited.
 */
export interface Bound {
  readonly messages?: number
  readonly losses?: number
  readonly failures?: number
  readonly deaths?: number
  readonly moves?: number
  readonly senderMoves?: number
  readonly cuts?: number
  readonly blocks?: number
  readonly hasty?: number
}

/** Explored by `npm run model`: some six million states. */
export const BOUNDS: readonly Bound[] = [
  { messages: 3, losses: 1 },
  { losses: 2, failures: 1 },
  { losses: 1, hasty: 1 },
  { moves: 1 },
  { senderMoves: 1 },
  { deaths: 1 },
  { blocks: 2 },
  { cuts: 1, blocks: 1 },
]

/** Explored besides by `--whole`: hours and some gigabytes of memory. */
export const WHOLE: readonly Bound[] = [
  { cuts: 1, moves: 1 },
  { failures: 1, moves: 1 },
  { senderMoves: 1, moves: 1 },
  { losses: 1, deaths: 1 },
  { messages: 3, losses: 2 },
  { losses: 1, moves: 1 },
]

/** Deliberate mistakes, by their number in the model, and a bound within which each is found. */
export const MISTAKES: readonly { readonly mistake: number; readonly is: string; readonly bound: Bound }[] = [
  {
    mistake: 1,
    is: 'the node acknowledges a message in place of its recipient',
    bound: { moves: 1 },
  },
  { mistake: 2, is: 'a node acts on a standing that a push made stale', bound: { blocks: 1 } },
  { mistake: 3, is: 'the mailbox is forgotten when the recipient moves', bound: { moves: 1 } },
  {
    mistake: 4,
    is: 'a read of the mailbox that began too early is believed',
    bound: { moves: 1 },
  },
]
