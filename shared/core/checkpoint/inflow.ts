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
 *   reading    it is being looked into
 *   handing    a page of it was handed to the peer, whose receipts are awaited
 *   empty      nothing is in it: letters pass
 */
export interface Inflow {
  mailbox: 'unread' | 'reading' | 'handing' | 'empty'
  /** Something was put into the mailbox since it was read. */
  more: boolean
  readonly live: Map<string, Letter>
  /** By letter key: a page of the mailbox. */
  readonly mail: Map<string, { readonly entry: string; readonly letter: Letter }>
  done: string[]
}

export const newInflow = (mailbox: 'unread' | 'empty'): Inflow => ({
  mailbox,
  more: false,
  live: new Map(),
  mail: new Map(),
  done: [],
})
