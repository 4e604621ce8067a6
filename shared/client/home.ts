/** The things that a peer keeps between runs: on Node in a directory, in a browser in IndexedDB. */
import type { InboxMemory } from '../core/peer/inbox.ts'
import type { PrekeyMemory } from '../core/peer/prekeys.ts'
import type { PeerId, UserId } from '../ids.ts'
import type { MessageNumber } from '../wire/messages.ts'

/** The enrolment of a home: its INDEX, and the user it belongs to. */
export interface Enrolled {
  /** Base URL of INDEX. */
  readonly index: string
  readonly user: UserId
}

/** A message that was delivered. */
export interface Delivered extends MessageNumber {
  readonly from: PeerId
}

/** A home that is open. What a method stores is stored when it returns, or when its promise resolves. */
export interface Home {
  readonly seed: Uint8Array
  readonly enrolled: Enrolled | undefined
  /** Messages that were delivered in earlier runs. */
  readonly delivered: readonly InboxMemory[]
  enrol(enrolled: Enrolled): Promise<void> | void
  deliver(message: Delivered): Promise<void> | void
  /** Stored prekeys; undefined if none are stored although the identity may be kept elsewhere. */
  readonly prekeys: readonly PrekeyMemory[] | undefined
  keepPrekeys(prekeys: readonly PrekeyMemory[]): Promise<void> | void
  close(): void
}

/** Groups the messages that were delivered in earlier runs by sender and run. */
export function memoryOf(delivered: Iterable<Delivered>): readonly InboxMemory[] {
  const groups = new Map<string, InboxMemory & { readonly delivered: number[] }>()
  for (const { from, epoch, sequence } of delivered) {
    const group = groups.get(`${from} ${epoch}`) ?? { sender: from, epoch, delivered: [] }
    group.delivered.push(sequence)
    groups.set(`${from} ${epoch}`, group)
  }
  return [...groups.values()]
}

/**
 * Calls `next` when something is stored: in this turn unless there is a promise for it. If it could not be stored, says
 * so and goes on, because the application has what was to be stored.
 */
export function whenStored(
  stored: Promise<void> | void,
  next: () => void,
  failed: (error: unknown) => void,
): void {
  if (stored === undefined) next()
  else stored.catch(failed).then(next)
}
