/** Keeping the index: enters records as they are now, and the records of a collection that is declared anew. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { ENTITY_COLLECTIONS, type Entity } from '../model/collection.ts'
import { pairsOf } from '../model/search/terms.ts'
import { getCollectionItem, markIndexed } from './collections.ts'
import { enter, NO_TERMS, type Terms } from './index-entries.ts'
import { forEach } from './pages.ts'
import { type FoundRecord, indexNameOf, type Kind, listIds, readRecords, searchableOf } from './records.ts'

/** Records entered before the progress is noted; the note is a change of the stream and so calls for the next. */
const STEP = 100

/** Safe to repeat, at any time and in any order. */
export function indexRecord(client: DynamoDBDocumentClient, kind: Kind, id: string): Promise<void> {
  return enter(client, { entity: indexNameOf(kind), id }, async () => {
    const [[record], { entered }] = await Promise.all([
      readRecords(client, kind, [id]),
      searchableOf(client, kind),
    ])
    return record === undefined ? NO_TERMS : termsOf(record, entered)
  })
}

/** One step towards every record being entered as declared; nothing where all are. */
export async function indexCollection(client: DynamoDBDocumentClient, collection: string): Promise<void> {
  const item = await getCollectionItem(client, collection)
  if (item?.indexedTo === undefined) return
  const kind = kindOf(collection)
  const ids = await listIds(client, kind, STEP, item.indexedTo === '' ? undefined : item.indexedTo)
  await forEach(ids, (id) => indexRecord(client, kind, id), 8)
  await markIndexed(client, item, ids.length < STEP ? undefined : ids.at(-1))
}

function termsOf({ scopes, filterable }: FoundRecord, entered: readonly string[]): Terms {
  const { metadata = {} } = filterable as { metadata?: object }
  const live = 'status' in filterable ? Object.keys(metadata).map((name) => `metadata.${name}`) : []
  return { scopes, pairs: pairsOf(filterable, [...entered, ...live]) }
}

function kindOf(collection: string): Kind {
  const entities = Object.entries(ENTITY_COLLECTIONS) as [Exclude<Entity, 'object'>, string][]
  const entity = entities.find(([, name]) => name === collection)?.[0]
  return entity === undefined ? { entity: 'object', collection } : { entity }
}
