/** Maintains the index: indexes single records, and all records of a collection after a new declaration. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { ALSO_CARRIED, ENTITY_COLLECTIONS, type Entity } from '../model/collection.ts'
import { cardOf, SHOWN } from '../model/search/card.ts'
import { isLive, isOfSeveral, isSaid, pairsOf } from '../model/search/terms.ts'
import { createCollections } from './collections.ts'
import { type Entered, enter, NOT_ENTERED } from './index-entries.ts'
import { forEach } from './pages.ts'
import {
  type FoundRecord,
  indexNameOf,
  type Kind,
  listIds,
  readRecords,
  type SearchableAttributes,
  searchableOf,
} from './records.ts'

/** Records indexed per step. The progress is then noted, and the stream of that write calls for the next step. */
const STEP = 100

/** Indexes a record as it is now. Idempotent, at any time and in any order. `now`: epoch milliseconds. */
export function indexRecord(
  client: DynamoDBDocumentClient,
  kind: Kind,
  id: string,
  now: () => number = Date.now,
): Promise<void> {
  const read = async () => {
    const [[record], searchable] = await Promise.all([
      readRecords(client, kind, [id]),
      searchableOf(client, kind),
    ])
    if (record === undefined) return NOT_ENTERED
    const entered = enteredOf(record, kind, searchable)
    await expectSeveral(client, kind, entered, searchable)
    return entered
  }
  return enter(client, { entity: indexNameOf(kind), id }, read, now)
}

/** Takes one step towards indexing every record as declared. Does nothing if all are. */
export async function indexCollection(
  client: DynamoDBDocumentClient,
  collection: string,
  now: () => number = Date.now,
): Promise<void> {
  const item = await createCollections(client).getItem(collection)
  if (item?.indexedTo === undefined) return
  const kind = kindOf(collection)
  const ids = await listIds(client, kind, STEP, item.indexedTo === '' ? undefined : item.indexedTo)
  await forEach(ids, (id) => indexRecord(client, kind, id, now))
  await createCollections(client).markIndexed(item, ids.length < STEP ? undefined : ids.at(-1))
}

/**
 * True if what peers say of themselves (status, custom, metadata) is declared searchable. Then every transition of a
 * peer changes its ordinary entries too.
 */
export async function isSaidIndexed(client: DynamoDBDocumentClient): Promise<boolean> {
  const { entered } = await searchableOf(client, { entity: 'peer' })
  return entered.some((path) => isSaid(path.toLowerCase()))
}

function enteredOf(
  { scopes, filterable, units, document }: FoundRecord,
  { entity }: Kind,
  { entered }: SearchableAttributes,
): Entered {
  const attributes = [...new Set(entered.map((path) => path.toLowerCase()))]
  return {
    ...{ scopes, units },
    pairs: pairsOf(filterable, attributes),
    card:
      entity === 'user' && 'name' in document
        ? cardOf({ ...filterable, [SHOWN]: document.name }, [SHOWN, ...attributes, ...ALSO_CARRIED.user])
        : cardOf(filterable, [...attributes, ...ALSO_CARRIED[entity]]),
  }
}

/**
 * Records that attributes have several values, before the first such record is indexed: searches look for several
 * values only at attributes that are known to have them.
 */
async function expectSeveral(
  client: DynamoDBDocumentClient,
  { entity, collection }: Kind,
  { pairs }: Entered,
  { several }: SearchableAttributes,
): Promise<void> {
  const found = pairs.filter(({ value }) => isOfSeveral(value)).map(({ attribute }) => attribute)
  const missing = [...new Set(found)].filter((attribute) => !isLive(attribute) && !several.has(attribute))
  const name = entity === 'object' ? collection : ENTITY_COLLECTIONS[entity]
  if (missing.length > 0 && name !== undefined) await createCollections(client).noteSeveral(name, missing)
}

function kindOf(collection: string): Kind {
  const entities = Object.entries(ENTITY_COLLECTIONS) as [Exclude<Entity, 'object'>, string][]
  const entity = entities.find(([, name]) => name === collection)?.[0]
  return entity === undefined ? { entity: 'object', collection } : { entity }
}
