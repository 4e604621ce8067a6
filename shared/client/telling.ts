/** Delivers records with their names in the order in which they were heard, however long INDEX takes to tell a name. */
import type { PresenceRecord as Presence } from '../presence.ts'
import type { PresenceRecord } from '../presence-record.ts'
import type { Names } from './names.ts'
import { throwLater } from './pause.ts'

export class Telling {
  readonly #names: Names
  /** Delivery of the last record in the queue; undefined if the queue is empty. */
  #last: Promise<void> | undefined
  #closed = false

  constructor(names: Names) {
    this.#names = names
  }

  /** Delivers a record: immediately if its names are known and the queue is empty. */
  tell(record: Presence, tell: (record: PresenceRecord) => void): void {
    const known = this.#names.now(record)
    if (known !== undefined && this.#last === undefined) tell(known)
    else this.#wait(this.#names.of(record), tell)
  }

  /** Resolves when the queue is empty. */
  async settled(): Promise<void> {
    while (this.#last !== undefined) await this.#last
  }

  /** Stops all deliveries. */
  close(): void {
    this.#closed = true
  }

  #wait(named: Promise<PresenceRecord>, tell: (record: PresenceRecord) => void): void {
    const told = (this.#last ?? Promise.resolve()).then(async () => {
      const record = await named
      if (this.#last === told) this.#last = undefined
      if (!this.#closed) escaping(() => tell(record))
    })
    this.#last = told
  }
}

/** Runs a listener in such a way that its exception ends the process, as it does for a record that did not wait. */
function escaping(act: () => void): void {
  try {
    act()
  } catch (error) {
    throwLater(error)
  }
}
