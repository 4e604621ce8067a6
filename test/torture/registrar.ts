/**
 * The administrator under torture: makes users, networks and invites, then writes memberships, objects and blocks as the schedule
 * says, each with as many attempts as it takes, and reads them again in quiet times.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { type AdminClient, createAdminClient } from '../../peer/index.ts'
import type { NetworkId, UserId } from '../../shared/ids.ts'
import type { Recorder } from './recorder.ts'
import { LEVELS, NETWORKS } from './schedule.ts'

const COLLECTION = 'scores'
const AGAIN_MS = 400
/** A write is tried for this long, far longer than any fault lasts. */
const PATIENCE_MS = 90_000

export class Registrar {
  readonly #admin: AdminClient
  readonly #recorder: Recorder
  readonly #users: UserId[] = []
  readonly #networks: NetworkId[] = []
  #home: NetworkId | undefined
  /** The last write of each key: the next one waits for it. */
  readonly #writing = new Map<string, Promise<void>>()

  constructor(given: { readonly index: string; readonly adminKey: string }, recorder: Recorder) {
    this.#admin = createAdminClient({ index: given.index, key: given.adminKey })
    this.#recorder = recorder
  }

  get networks(): readonly NetworkId[] {
    return this.#networks
  }

  /** Makes users, a network that all share, and further ones. */
  async found(users: number): Promise<void> {
    const { network } = await this.#admin.createNetwork({ body: { name: 'everybody' } })
    this.#home = network
    await this.#admin.putCollection({ collection: COLLECTION, body: { searchable: ['value.level'] } })
    for (let i = 0; i < NETWORKS; i++)
      this.#networks.push((await this.#admin.createNetwork({ body: { name: `n${i}` } })).network)
    for (let i = 0; i < users; i++) {
      const { user } = await this.#admin.createUser({ body: { name: `u${i}` } })
      await this.#admin.putMember({ network, user, body: { role: 'member' } })
      this.#users.push(user)
    }
  }

  /** An invite for one peer of a user. */
  async invite(user: number): Promise<string> {
    return (await this.#admin.createInvite({ network: this.#home!, body: { user: this.#users[user]! } })).code
  }

  member(user: number, network: number, joins: boolean): void {
    const ids = { network: this.#networks[network]!, user: this.#users[user]! }
    this.#write(`member/n${network}/u${user}`, joins ? 'yes' : '', () =>
      joins
        ? this.#admin.putMember({ ...ids, body: { role: 'member' } })
        : this.#admin.deleteMember(ids).catch(unlessAbsent),
    )
  }

  object(object: number, level: number): void {
    const place = { collection: COLLECTION, id: `o${object}`, query: { network: this.#home! } }
    this.#write(`object/o${object}`, `${level}`, () =>
      this.#admin.putObject({ ...place, body: { value: { level } } }),
    )
  }

  block(user: number, blocked: number, blocks: boolean): Promise<void> {
    const ids = { user: this.#users[user]!, blocked: this.#users[blocked]! }
    return this.#write(`block/u${user}/u${blocked}`, blocks ? 'yes' : 'no', () =>
      blocks ? this.#admin.putBlock(ids) : this.#admin.deleteBlock(ids).catch(unlessAbsent),
    )
  }

  /** Resolves when every write is acknowledged. */
  async settled(): Promise<void> {
    await Promise.all(this.#writing.values())
  }

  /** Reads all members and objects, with as many attempts as it takes in this time. */
  async readAll(withinMs: number): Promise<void> {
    const until = performance.now() + withinMs
    while (performance.now() < until) {
      try {
        await this.#read()
        return
      } catch {
        await wait(AGAIN_MS)
      }
    }
  }

  /** Reads all members by listings, and all objects by searches. */
  async #read(): Promise<void> {
    for (const [i, network] of this.#networks.entries()) {
      const members = await all((cursor) =>
        this.#admin.listMembers({ network, query: { ...cursor, limit: 100 } }),
      )
      const names = members.map(({ user }) => [`member/n${i}/u${this.#users.indexOf(user)}`, 'yes'])
      this.#recorder.record({ kind: 'read', prefix: `member/n${i}/`, values: Object.fromEntries(names) })
    }
    const levels: [string, string][] = []
    for (let level = 0; level < LEVELS; level++) {
      const query = {
        entity: 'object',
        collection: COLLECTION,
        filter: `value.level eq ${level}`,
        limit: 100,
      } as const
      const found = await all((cursor) => this.#admin.search({ query: { ...query, ...cursor } }))
      for (const each of found) if ('id' in each) levels.push([`object/${each.id}`, `${level}`])
    }
    this.#recorder.record({ kind: 'read', prefix: 'object/', values: Object.fromEntries(levels) })
  }

  #write(key: string, value: string, write: () => Promise<unknown>): Promise<void> {
    const before = this.#writing.get(key) ?? Promise.resolve()
    const writing = before.then(async () => {
      this.#recorder.record({ kind: 'writes', key, value })
      const until = performance.now() + PATIENCE_MS
      while (performance.now() < until) {
        const error = await write().then(
          () => undefined,
          (failed: Error) => failed,
        )
        if (error === undefined) {
          this.#recorder.record({ kind: 'wrote', key, value })
          return
        }
        await wait(AGAIN_MS)
      }
    })
    this.#writing.set(key, writing)
    return writing
  }
}

/** A record that is not there was removed, perhaps by an attempt whose answer was lost. */
function unlessAbsent(error: Error & { readonly code?: string }): void {
  if (!['not-found', 'unknown-user', 'gone'].includes(error.code ?? '')) throw error
}

async function all<T>(
  page: (cursor: {
    readonly cursor?: string
  }) => Promise<{ readonly items: readonly T[]; readonly cursor?: string }>,
): Promise<T[]> {
  const items: T[] = []
  let cursor: string | undefined
  do {
    const given = await page(cursor === undefined ? {} : { cursor })
    items.push(...given.items)
    cursor = given.cursor
  } while (cursor !== undefined)
  return items
}
