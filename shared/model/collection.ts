/**
 * A collection declares which attributes of its objects are searchable, as dotted paths like those of a filter, and who may
 * edit the objects. The collections `users`, `networks` and `peers` declare searchable attributes of these entities.
 * Collections need no declaration: without one, only the default attributes are indexed.
 */
import { z } from 'zod'
import { LIMITS } from '../limits.ts'
import type { CollectionRecord } from '../resources.ts'
import { VISIBILITIES } from './visibility.ts'

export type Entity = 'user' | 'network' | 'peer' | 'object'

/** Collections that stand for users, networks and peers. They cannot contain objects. */
export const ENTITY_COLLECTIONS: Readonly<Record<Exclude<Entity, 'object'>, string>> = {
  user: 'users',
  network: 'networks',
  peer: 'peers',
}

/**
 * Attributes that are indexed without a declaration. The presence of peers (`status`, `custom`, `metadata.*`) is searched
 * among the peers that are online. If declared, it is indexed too, which costs a write for each change.
 */
export const DEFAULT_SEARCHABLE: Readonly<Record<Entity, readonly string[]>> = {
  user: ['name'],
  network: ['name'],
  peer: ['name', 'user'],
  object: ['owner'],
}

/** Attributes that every card of the index holds besides the searchable ones (shared/model/search/card.ts), in lower case. */
export const ALSO_CARRIED: Readonly<Record<Entity, readonly string[]>> = {
  user: ['createdat'],
  network: ['createdat'],
  peer: ['createdat'],
  object: ['createdat'],
}

export type Collection = CollectionRecord

const attributePath = z
  .string()
  .max(128)
  .regex(/^[A-Za-z][\w$-]*(\.[A-Za-z_$][\w$-]*)*$/, 'is no attribute path, such as `value.level`')

/** A path for which visibility can be declared. */
const visiblePath = attributePath.refine(
  (path) => path === 'name' || path.startsWith('attributes.'),
  'is neither `name` nor a path such as `attributes.email`',
)
const isShort = (paths: object) => Object.keys(paths).length <= LIMITS.searchableAttributes

export const collectionNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,63}$/, 'is no collection name: lower-case letters, digits and `-`, at most 64')

export const objectCollectionSchema = collectionNameSchema.refine(
  (name) => !Object.values(ENTITY_COLLECTIONS).includes(name),
  'is a name kept for users, networks and peers',
)

export const collectionSchema = z.strictObject({
  searchable: z.array(attributePath).max(LIMITS.searchableAttributes).default([]),
  editable: z.enum(['owner', 'members']).default('owner'),
  visibility: z
    .record(visiblePath, z.enum(VISIBILITIES))
    .refine(isShort, `names more than ${LIMITS.searchableAttributes} paths`)
    .refine(({ name }) => name !== 'private', 'name: is seen by whoever shares a network')
    .default({}),
})
