import type { NodeId } from '../../ids.ts'
import type { ForwardedMessage } from '../../wire/node.ts'

/** A message in transit, with the origin to which its receipt goes. */
export interface Letter extends ForwardedMessage {
  /** The node that sent the message; `here` if the sender is or was signed in here; undefined if it comes from the mailbox. */
  origin: NodeId | 'here' | undefined
}

/** A unique key for a message. */
export const letterKey = ({
  from,
  to,
  epoch,
  sequence,
}: Pick<Letter, 'from' | 'to' | 'epoch' | 'sequence'>): string => `${from}${to}${epoch}/${sequence}`

/**
 * Messages on their way to one peer that is signed in here. The state of the peer's mailbox:
 *
 *   unread     it has to be read; new messages are stored in it
 *   reading    it is being read; new messages wait for the result
 *   handing    a page of it was handed to the peer and awaits receipts; new messages are stored in it
 *   empty      it has no messages; new messages go straight to the peer. One with a stored predecessor makes it be read again
 */
export interface Inflow {
  mailbox: 'unread' | 'reading' | 'handing' | 'empty'
  /** True if a message may have been stored since the mailbox was last read. */
  more: boolean
  /** Messages handed to the peer that await a receipt and are not in the mailbox. */
  readonly live: Map<string, Letter>
  /** Messages that arrived while the mailbox was being read. */
  readonly parked: Map<string, Letter>
  /** The current page of the mailbox, by message key. */
  readonly mail: Map<string, { readonly entry: string; readonly letter: Letter }>
  /** Mailbox entries that can be discarded. */
  done: string[]
  /** How often the current page was looked at and not done. */
  looks: number
  isLookedAt: boolean
}

export const newInflow = (mailbox: 'unread' | 'empty'): Inflow => ({
  mailbox,
  more: false,
  live: new Map(),
  parked: new Map(),
  mail: new Map(),
  done: [],
  looks: 0,
  isLookedAt: false,
})

/** Sequence number of the predecessor to name to the peer; 0 if the predecessor was stored and has left the mailbox. */
export function predecessorOf(
  { from, to, epoch, previous, previousIsStored }: Letter,
  { mail }: Inflow,
): number {
  const isGone = previousIsStored && !mail.has(letterKey({ from, to, epoch, sequence: previous }))
  return isGone ? 0 : previous
}
