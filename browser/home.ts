/**
 * The home of a peer in a browser: a database of IndexedDB for each home, at the page's origin.
 *
 *   store `kept`        seed (32 bytes; whoever has it is this peer), enrolled, prekeys
 *   store `delivered`   messages that were delivered, the oldest first
 *
 * One page of a browser may use a home at a time. It holds a Web Lock of the home's name, which the browser releases when
 * the page ends, however it ends. Every script of the origin can read the database: README.md says what follows from that.
 */
import { type Delivered, type Enrolled, type Home, memoryOf } from '../shared/client/home.ts'
import type { PrekeyMemory } from '../shared/core/peer/prekeys.ts'
import { StraightwayError } from '../shared/errors.ts'

const SEED_BYTES = 32
const KEPT = 'kept'
const DELIVERED = 'delivered'
/** Delivered messages that are remembered. When there are more, the older half is forgotten. */
const MOST_DELIVERED = 10_000
/** Time for a page that ends, such as one that is loaded again, to release the home. */
const LOCK_MS = 2000

/** A home in memory, which ends with the page. Only the seed outlives it, if the application keeps it. */
export function homeInMemory(seed?: Uint8Array): Home {
  return {
    seed: seed ?? newSeed(),
    enrolled: undefined,
    delivered: [],
    prekeys: seed === undefined ? [] : undefined,
    enrol() {},
    deliver() {},
    keepPrekeys() {},
    close() {},
  }
}

/** Opens a home and creates it if necessary. Rejects with `conflict` if another page uses it. */
export async function openHome(name: string): Promise<Home> {
  if (globalThis.navigator?.locks === undefined || globalThis.indexedDB === undefined) {
    const detail =
      '`home` needs Web Locks and IndexedDB, which browsers give to pages from https or localhost.'
    throw new StraightwayError('bad-request', detail)
  }
  const release = await lock(name)
  try {
    return await readHome(await open(`straightway ${name}`), release)
  } catch (error) {
    release()
    throw error
  }
}

async function readHome(database: IDBDatabase, release: () => void): Promise<Home> {
  const kept = database.transaction(KEPT, 'readwrite').objectStore(KEPT)
  const [found, enrolled, prekeys] = await Promise.all([
    answer<Uint8Array | undefined>(kept.get('seed')),
    answer<Enrolled | undefined>(kept.get('enrolled')),
    answer<readonly PrekeyMemory[] | undefined>(kept.get('prekeys')),
  ])
  const seed = found ?? newSeed()
  if (found === undefined) await keep(database, 'seed', seed)
  const log = new DeliveredLog(database)
  return {
    seed,
    enrolled,
    delivered: memoryOf(await log.all()),
    prekeys: prekeys ?? [],
    enrol: ({ index, user }) => keep(database, 'enrolled', { index, user }),
    deliver: (message) => log.add(message),
    keepPrekeys: (prekeys) => keep(database, 'prekeys', prekeys),
    close() {
      database.close()
      release()
    },
  }
}

class DeliveredLog {
  readonly #database: IDBDatabase
  #count = 0

  constructor(database: IDBDatabase) {
    this.#database = database
  }

  async all(): Promise<readonly Delivered[]> {
    const all = await answer<Delivered[]>(this.#store('readonly').getAll())
    this.#count = all.length
    return all
  }

  async add({ from, epoch, sequence }: Delivered): Promise<void> {
    const store = this.#store('readwrite')
    const key = await answer<IDBValidKey>(store.add({ from, epoch, sequence }))
    if (++this.#count > MOST_DELIVERED) {
      this.#count -= MOST_DELIVERED / 2
      store.delete(IDBKeyRange.upperBound(Number(key) - MOST_DELIVERED / 2))
    }
    await done(store.transaction)
  }

  #store(mode: IDBTransactionMode): IDBObjectStore {
    return this.#database.transaction(DELIVERED, mode).objectStore(DELIVERED)
  }
}

/** Takes the lock of a home. Resolves with a function that releases it. */
function lock(name: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const held = () =>
      new Promise<void>((release) => {
        resolve(release)
      })
    navigator.locks
      .request(`straightway ${name}`, { signal: AbortSignal.timeout(LOCK_MS) }, held)
      .catch((cause) => {
        const detail = `Another tab of this browser uses the home \`${name}\`: go on there, or close it.`
        reject(new StraightwayError('conflict', detail, { cause }))
      })
  })
}

function open(name: string): Promise<IDBDatabase> {
  const opening = indexedDB.open(name, 1)
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore(KEPT)
    opening.result.createObjectStore(DELIVERED, { autoIncrement: true })
  }
  return answer(opening)
}

async function keep(database: IDBDatabase, key: string, value: unknown): Promise<void> {
  const transaction = database.transaction(KEPT, 'readwrite')
  transaction.objectStore(KEPT).put(value, key)
  await done(transaction)
}

function answer<T>(request: IDBRequest): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

function done(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error)
  })
}

const newSeed = (): Uint8Array => crypto.getRandomValues(new Uint8Array(SEED_BYTES))
