import type { NodeId } from '../../ids.ts'
import { encodeReceipt, type ReceiptOutcome } from '../../wire/messages.ts'
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

/** Says what became of a letter to whoever sent it, wherever that is. A receipt that is lost is asked for by a repeat. */
export class Receipts {
  readonly #options: ReceiptsOptions

  constructor(options: ReceiptsOptions) {
    this.#options = options
  }

  send(letter: Letter, outcome: ReceiptOutcome, now: number): void {
    const { origin } = letter
    if (this.show({ ...letter, to: letter.from, from: letter.to, outcome })) return
    if (origin !== undefined && origin !== 'here') this.tell(origin, letter, outcome)
    else if (outcome === 'delivered') this.#find(letter, outcome, now)
  }

  /** False where the sender is not signed in here. */
  show({ to: sender, from: recipient, epoch, sequence, outcome }: ForwardedReceipt): boolean {
    const { roster, table } = this.#options
    const here = roster.get(sender)
    if (here === undefined) return false
    table.send(here, FRAME.RECEIPT, encodeReceipt({ peer: recipient, epoch, sequence, outcome }))
    return true
  }

  tell(node: NodeId, { from, to, epoch, sequence }: Omit<Letter, 'origin'>, outcome: ReceiptOutcome): void {
    const receipt = encodeForwardedReceipt({ to: from, from: to, epoch, sequence, outcome })
    this.#options.links.send(node, FRAME.FORWARD_RECEIPT, receipt)
  }

  /** The sender moved, or the letter comes from the mailbox. Only good news is worth a look-up. */
  #find(letter: Letter, outcome: ReceiptOutcome, now: number): void {
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
