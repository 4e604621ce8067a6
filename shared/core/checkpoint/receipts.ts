import type { NodeId } from '../../ids.ts'
import { encodeReceipt, type Outcome } from '../../wire/messages.ts'
import { encodeForwardedReceipt, type ForwardedReceipt } from '../../wire/node.ts'
import { FRAME } from '../../wire/numbers.ts'
import type { Letter } from './inflow.ts'
import type { Locator } from './locator.ts'
import type { NodeLinks } from './node-links.ts'
import type { Roster } from './roster.ts'
import type { SessionTable } from './session-table.ts'

export interface ReceiptsOptions {
  readonly node: NodeId
  readonly table: SessionTable
  readonly roster: Roster
  readonly locator: Locator
  readonly links: NodeLinks
}

/** Sends receipts to the senders of messages, at any node. If a receipt is lost, the sender retransmits and gets another. */
export class Receipts {
  readonly #options: ReceiptsOptions

  constructor(options: ReceiptsOptions) {
    this.#options = options
  }

  send(letter: Letter, outcome: Outcome, now: number): void {
    const { origin, epoch, sequence } = letter
    if (this.show({ to: letter.from, from: letter.to, epoch, sequence, ...outcome })) return
    if (origin !== undefined && origin !== 'here') this.tell(origin, letter, outcome)
    else if (outcome.outcome === 'delivered') this.#find(letter, outcome, now)
  }

  /** Sends a receipt to a sender that is signed in here; false if it is not. */
  show({ to: sender, from: peer, ...receipt }: ForwardedReceipt): boolean {
    const { roster, table } = this.#options
    const here = roster.get(sender)
    if (here === undefined) return false
    table.send(here, FRAME.RECEIPT, encodeReceipt({ peer, ...receipt }))
    return true
  }

  tell(node: NodeId, { from, to, epoch, sequence }: Omit<Letter, 'origin'>, outcome: Outcome): void {
    const receipt = encodeForwardedReceipt({ to: from, from: to, epoch, sequence, ...outcome })
    this.#options.links.send(node, FRAME.FORWARD_RECEIPT, receipt)
  }

  /** Looks up a sender that has moved, or whose message comes from the mailbox. Done only for `delivered`. */
  #find(letter: Letter, outcome: Outcome, now: number): void {
    this.#options.locator.locate(
      letter.from,
      { peer: letter.to },
      (where) => {
        if (where === undefined || where === 'failed' || where.node === undefined) return
        if (where.node !== this.#options.node) this.tell(where.node, letter, outcome)
      },
      now,
    )
  }
}
