/**
 * Received messages: each is passed to the application once, and in the order of its sender. A message that arrives
 * before its predecessor is held until the mailbox or a retransmission brings that. A gap remains only if the sender
 * died before it could retransmit. Therefore a message is passed on without its predecessor after a minute. The wait is
 * ten seconds if nothing of that run of the sender is known here: an earlier run of ours may have received the
 * predecessor.
 *
 * A message that is named nobody's predecessor was refused, or its sender gave it up (`timeout`, or the application aborted).
 * It may still be on its way, as in a mailbox. Once a later message is delivered it counts as delivered, so that it never
 * arrives out of order. Messages that a delivered one did not wait for any longer are exempt: they may have been acknowledged.
 *
 * The inbox remembers for each sender and epoch which messages it delivered: the greatest sequence and the 256 before it.
 * This memory can be exported as plain data and restored, so that "once" outlives the process.
 */
import type { PeerId } from '../../ids.ts'
import type { Message } from '../../wire/messages.ts'

const HOLD_MS = 60_000
const HOLD_UNKNOWN_MS = 10_000
/** Held messages of one sender: twice what a sender has in flight. Further ones are dropped and retransmitted. */
const MAX_HELD = 32
/**
 * Runs of one sender that are remembered; the least recently active is forgotten first. A page of a mailbox may contain
 * messages of sixteen runs, as of a command that is run again and again, and may be delivered twice.
 */
const MAX_EPOCHS = 32
const REMEMBERED = 256
/** Senders that are remembered; the least recently active is forgotten first. */
const MAX_SENDERS = 10_000

export type Arrival = 'new' | 'held' | 'known' | 'dropped'

export interface InboxMemory {
  readonly sender: PeerId
  readonly epoch: number
  readonly delivered: readonly number[]
}

interface Epoch {
  readonly epoch: number
  /** The last REMEMBERED sequences that were delivered or passed over. */
  delivered: Set<number>
  greatest: number
  /** Messages up to this one are not passed over: one behind them did not wait any longer, or was delivered by an earlier run. */
  owed: number
  readonly held: Map<number, { readonly message: Message; readonly until: number }>
}

export class Inbox {
  readonly #senders = new Map<PeerId, Epoch[]>()
  /** Epochs that hold a message. */
  readonly #holding = new Set<Epoch>()

  constructor(memory: readonly InboxMemory[] = []) {
    for (const { sender, epoch, delivered } of memory) {
      const known = this.#epoch(sender, epoch)
      for (const sequence of delivered) remember(known, sequence)
      known.owed = known.greatest
    }
  }

  /** True if the message was delivered before. */
  knows({ peer, epoch, sequence }: Pick<Message, 'peer' | 'epoch' | 'sequence'>): boolean {
    const known = this.#senders.get(peer)?.find((each) => each.epoch === epoch)
    return known !== undefined && isDelivered(known, sequence)
  }

  /**
   * Accepts a message. Calls `deliver` for it and for those that it releases, in order. `known`: it was delivered
   * before.
   */
  accept(message: Message, now: number, deliver: (message: Message) => void): Arrival {
    const epoch = this.#epoch(message.peer, message.epoch)
    if (isDelivered(epoch, message.sequence)) return 'known'
    if (message.previous > 0 && !isDelivered(epoch, message.previous)) return this.#hold(epoch, message, now)
    this.#deliver(epoch, message, deliver)
    return 'new'
  }

  /** Delivers messages whose predecessor did not arrive in time. */
  expire(now: number, deliver: (message: Message) => void): void {
    for (const epoch of this.#holding) {
      const overdue = [...epoch.held.values()].filter(({ until }) => until <= now)
      overdue.sort((a, b) => a.message.sequence - b.message.sequence)
      for (const { message } of overdue) {
        if (isDelivered(epoch, message.sequence)) continue
        epoch.owed = Math.max(epoch.owed, message.previous)
        this.#deliver(epoch, message, deliver)
      }
    }
  }

  deadline(): number {
    let least = Number.POSITIVE_INFINITY
    for (const { held } of this.#holding)
      for (const { until } of held.values()) least = Math.min(least, until)
    return least
  }

  memory(): InboxMemory[] {
    return [...this.#senders].flatMap(([sender, epochs]) =>
      epochs.map(({ epoch, delivered }) => ({ sender, epoch, delivered: [...delivered] })),
    )
  }

  #deliver(epoch: Epoch, first: Message, deliver: (message: Message) => void): void {
    let message: Message | undefined = first
    while (message !== undefined) {
      epoch.held.delete(message.sequence)
      passOver(epoch, message)
      remember(epoch, message.sequence)
      deliver(message)
      message = freed(epoch)
    }
    if (epoch.held.size === 0) this.#holding.delete(epoch)
  }

  #hold(epoch: Epoch, message: Message, now: number): Arrival {
    const held = epoch.held.get(message.sequence)
    if (held === undefined && epoch.held.size >= MAX_HELD) return 'dropped'
    // A retransmission may name another predecessor, but it does not wait longer for it.
    epoch.held.set(message.sequence, { message, until: held?.until ?? now + holdMs(epoch) })
    this.#holding.add(epoch)
    return 'held'
  }

  #epoch(sender: PeerId, epoch: number): Epoch {
    const epochs = this.#senders.get(sender) ?? []
    this.#senders.delete(sender)
    this.#senders.set(sender, epochs)
    if (this.#senders.size > MAX_SENDERS) this.#senders.delete(this.#senders.keys().next().value!)
    const at = epochs.findIndex((each) => each.epoch === epoch)
    const known = at < 0 ? undefined : epochs.splice(at, 1)[0]
    const latest = known ?? { epoch, delivered: new Set(), greatest: 0, owed: 0, held: new Map() }
    epochs.push(latest)
    if (epochs.length > MAX_EPOCHS) epochs.shift()
    return latest
  }
}

const holdMs = ({ greatest }: Epoch): number => (greatest > 0 ? HOLD_MS : HOLD_UNKNOWN_MS)

function isDelivered({ delivered, greatest }: Epoch, sequence: number): boolean {
  return sequence <= greatest - REMEMBERED || delivered.has(sequence)
}

function remember(epoch: Epoch, sequence: number): void {
  epoch.delivered.add(sequence)
  epoch.greatest = Math.max(epoch.greatest, sequence)
  if (epoch.delivered.size <= 2 * REMEMBERED) return
  epoch.delivered = new Set([...epoch.delivered].filter((each) => each > epoch.greatest - REMEMBERED))
}

/** The messages between this one and its predecessor will not be delivered. */
function passOver(epoch: Epoch, { sequence, previous }: Message): void {
  const first = Math.max(previous, epoch.owed, sequence - REMEMBERED) + 1
  for (let passed = first; passed < sequence; passed++) {
    epoch.held.delete(passed)
    remember(epoch, passed)
  }
}

function freed(epoch: Epoch): Message | undefined {
  for (const { message } of epoch.held.values()) {
    if (message.previous === 0 || isDelivered(epoch, message.previous)) return message
  }
  return undefined
}
