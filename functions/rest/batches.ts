/**
 * Routes for batches of objects of one collection and place. The writes of a batch are one transaction: all are made, or
 * none.
 *
 * A batch whose answer was lost can be sent again: a write that finds the object as it would leave it is done already.
 */
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { StraightwayError } from '../../shared/errors.ts'
import { LIMITS } from '../../shared/limits.ts'
import type { JsonObject } from '../../shared/model/json.ts'
import { objectIdSchema, objectValueSchema, type StoredObject } from '../../shared/model/object.ts'
import type { Ground } from '../../shared/model/permission.ts'
import { createObjects, type ObjectWrite, objectKeyOf } from '../../shared/store/objects.ts'
import { objectAnswer } from './answers.ts'
import { changeGrounds, PLACE, type Placed, placeIn, resourceOf, unrecorded } from './objects.ts'
import { ok } from './reply.ts'
import { expectMay, type Request } from './request.ts'
import { route } from './route.ts'

const tag = 'Objects'

const distinct = (ids: readonly string[]) => new Set(ids).size === ids.length

const readsSchema = z.strictObject({
  ids: z.array(objectIdSchema).min(1).max(LIMITS.batchReads).refine(distinct, 'names an object twice'),
})

/** The version that the object must have. 0: it must not exist. */
const version = z.int().min(0).optional()

const writesSchema = z.strictObject({
  writes: z
    .array(
      z.union([
        z.strictObject({ id: objectIdSchema, value: objectValueSchema, version }),
        z.strictObject({ id: objectIdSchema, deleted: z.literal(true), version }),
      ]),
    )
    .min(1)
    .max(LIMITS.batchWrites)
    .refine((writes) => distinct(writes.map(({ id }) => id)), 'writes an object twice'),
})

type Given = z.output<typeof writesSchema>['writes'][number]

const writtenAnswer = z.strictObject({
  /** In the order of the writes. `version` is absent of a deleted object. */
  items: z.array(z.strictObject({ id: z.string(), version: z.int().min(1).optional() })),
})

export const batchRoutes = [
  route({
    operation: 'readObjects',
    door: 'POST /v1/batches/{collection}/reads',
    who: 'credential',
    permission: 'object.read',
    tag,
    unrecorded: 'It changes nothing',
    summary:
      'Objects by their ids; those that are not there are left out. It may end early: ask for the rest again',
    query: PLACE,
    body: readsSchema,
    example: { ids: ['b1', 'b2'] },
    answers: { 200: z.strictObject({ items: z.array(objectAnswer), rest: z.array(z.string()) }) },
    async handle(call) {
      const { collection, place } = placeIn(call)
      const { ids } = call.body()
      return ok(await readSome(call, collection, place, ids))
    },
  }),
  route({
    operation: 'writeObjects',
    door: 'POST /v1/batches/{collection}/writes',
    who: 'credential',
    permission: 'object.create',
    tag,
    unrecorded,
    summary: 'Make, replace and delete objects: all of them, or none',
    query: PLACE,
    body: writesSchema,
    bodyBytes: LIMITS.batchBytes,
    example: {
      writes: [
        { id: 'b1', value: { level: 3 } },
        { id: 'b2', deleted: true },
      ],
    },
    answers: { 200: writtenAnswer },
    errors: ['conflict', 'precondition-failed'],
    async handle(call) {
      const { collection, place } = placeIn(call)
      const { writes } = call.body()
      const objects = createObjects(call.context.client)
      const keys = writes.map(({ id }) => objectKeyOf(place, id))
      const known = new Map((await objects.getMany(collection, keys)).map((object) => [object.id, object]))
      const grounds = new Grounds(call)
      const decided: Decided[] = []
      for (const [i, write] of writes.entries())
        decided.push(await decide(call, grounds, { i, write, current: known.get(write.id), collection }))
      const needed = decided.flatMap(({ needs }) => needs ?? [])
      if (needed.length > 0) await objects.writeMany(needed, grounds.all())
      return ok({ items: decided.map(({ id, version }) => ({ id, ...(version && { version }) })) })
    },
  }),
]

interface Decided {
  readonly id: string
  readonly version?: number | undefined
  /** Undefined if the object is as wanted already. */
  readonly needs?: ObjectWrite | undefined
}

interface Deciding {
  readonly i: number
  readonly write: Given
  readonly current: StoredObject | undefined
  readonly collection: string
}

/** The steps of one write, after its right and its version are checked. Errors name it by its place in the batch. */
async function decide(
  call: Placed,
  grounds: Grounds,
  { i, write, current, collection }: Deciding,
): Promise<Decided> {
  const { id, version: wanted } = write
  const value: JsonObject | undefined = 'value' in write ? write.value : undefined
  const { now } = call.context
  if (current === undefined) await grounds.toCreate(call.query)
  else await grounds.toChange(current)
  const isDone = current === undefined ? value === undefined : isDeepStrictEqual(current.value, value)
  const found = current?.version ?? 0
  // A version that leads to what is there is that of this very write, sent again.
  if (isDone && (wanted === undefined || wanted === found || wanted === found - 1 || current === undefined))
    return { id, version: current?.version }
  if (wanted !== undefined && wanted !== found)
    throw new StraightwayError(
      'precondition-failed',
      `writes.${i}: ${found === 0 ? 'it is not there' : `it is at version ${found}`}: read it again and decide anew`,
    )
  if (value === undefined) return { id, needs: { current } }
  if (current !== undefined) {
    const next = { ...current, value, updatedAt: now(), version: found + 1 }
    return { id, version: next.version, needs: { current, next } }
  }
  const owner = call.actor.kind === 'peer' ? call.actor.user : undefined
  const { network } = call.query
  const made = { collection, id, ...(network && { network }), ...(owner && { owner }), value }
  const next: StoredObject = { ...made, createdAt: now(), updatedAt: now(), version: 1 }
  return { id, version: 1, needs: { current, next } }
}

/** The facts that allow the writes of a batch. Each is found once. */
class Grounds {
  readonly #call: Placed
  readonly #memberships: Ground[] = []
  #declared: { readonly collection: string; readonly version: number } | undefined

  constructor(call: Placed) {
    this.#call = call
  }

  /** Errors: `forbidden`. */
  async toCreate(place: Placed['query']): Promise<void> {
    const { actor } = this.#call
    const owner = actor.kind === 'peer' ? actor.user : undefined
    if (place.network === undefined && owner === undefined)
      throw new StraightwayError('bad-request', 'network: an API key makes objects of networks only')
    this.#memberships.push(...expectMay(actor, 'object.create', resourceOf({ ...place, owner })))
  }

  /** Errors: `forbidden`. */
  async toChange(object: StoredObject): Promise<void> {
    const { memberships = [], declared } = await changeGrounds(this.#call as Request, object)
    this.#memberships.push(...memberships)
    this.#declared ??= declared
  }

  all() {
    return { memberships: this.#memberships, declared: this.#declared }
  }
}

/** Objects until they fill a page, and the ids that are left. */
async function readSome(
  { context }: Request,
  collection: string,
  place: Parameters<typeof objectKeyOf>[0],
  ids: readonly string[],
) {
  const items: StoredObject[] = []
  let bytes = 0
  let at = 0
  while (at < ids.length && bytes < LIMITS.pageBytes) {
    const part = ids.slice(at, at + TOGETHER)
    const keys = part.map((id) => objectKeyOf(place, id))
    const found = await createObjects(context.client).getMany(collection, keys)
    const byId = new Map(found.map((object) => [object.id, object]))
    items.push(...part.flatMap((id) => byId.get(id) ?? []))
    bytes += Buffer.byteLength(JSON.stringify(found))
    at += part.length
  }
  return { items, rest: ids.slice(at) }
}

/** Objects read in one call: at most 1.3 MB, so that a page stays well below what Lambda may answer. */
const TOGETHER = 10
