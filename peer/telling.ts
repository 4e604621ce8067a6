/** Tells of records with their names, in the order in which they were heard, however long INDEX takes to say a name. */
import type { PresenceRecord as Presence } from '../shared/presence.ts'
import type { Names } from './names.ts'
import type { PresenceRecord } from './presence-record.ts'

export class Telling {
  readonly #names: Names
  /** The last one that waits; undefined if none does. */
  #last: Promise<void> | undefined
  #closed = false

  constructor(names: Names) {
    this.#names = names
  }

  /** Immediately if the names are known and nobody waits. */
  tell(record: Presence, tell: (record: PresenceRecord) => void): void {
    const known = this.#names.now(record)
    if (known !== undefined && this.#last === undefined) tell(known)
    else this.#wait(this.#names.of(record), tell)
  }

  /** Resolves when everything has been told. */
  async settled(): Promise<void> {
    while (this.#last !== undefined) await this.#last
  }

  /** Nothing more is told. */
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

/** What a listener throws ends the process, as it does where nobody waited. */
function escaping(act: () => void): void {
  try {
    act()
  } catch (error) {
    process.nextTick(() => {
      throw error
    })
  }
}
