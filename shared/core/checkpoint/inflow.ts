import type { NodeId } from '../../ids.ts'
import type { ForwardedMessage } from '../../wire/node.ts'

/** A message under way, and where its receipt goes. */
export interface Letter extends ForwardedMessage {
  /** The node that sent it here; `here`: the sender is (or was) signed in here; undefined: it comes from the mailbox. */
  origin: NodeId | 'here' | undefined
}

/** What tells a letter from all others. */
export const letterKey = ({
  from,
  to,
  epoch,
  sequence,
}: Pick<Letter, 'from' | 'to' | 'epoch' | 'sequence'>): string => `${from}${to}${epoch}/${sequence}`

/**
 * Messages on their way to one peer that is signed in here.
 *
 *   unread     the mailbox is to be looked into; new letters go there
 *   reading    it is being looked into; new letters wait for what it holds
 *   handing    a page of it was handed to the peer, whose receipts are awaited; new letters go there
 *   empty      nothing is in it: letters pass. One whose predecessor was stored makes it be looked into
 */
export interface Inflow {
  mailbox: 'unread' | 'reading' | 'handing' | 'empty'
  /** Something was put into the mailbox since it was read. */
  more: boolean
  readonly live: Map<string, Letter>
  /** Letters that came while the mailbox was being looked into. */
  readonly parked: Map<string, Letter>
  /** By letter key: a page of the mailbox. */
  readonly mail: Map<string, { readonly entry: string; readonly letter: Letter }>
  done: string[]
}

export const newInflow = (mailbox: 'unread' | 'empty'): Inflow => ({
  mailbox,
  more: false,
  live: new Map(),
  parked: new Map(),
  mail: new Map(),
  done: [],
})

/** What the letter names as its predecessor, unless that was stored and is not in the mailbox any more. */
export function predecessorOf(
  { from, to, epoch, previous, previousIsStored }: Letter,
  { mail }: Inflow,
): number {
  const isGone = previousIsStored && !mail.has(letterKey({ from, to, epoch, sequence: previous }))
  return isGone ? 0 : previous
}
