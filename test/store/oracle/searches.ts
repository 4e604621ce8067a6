/** The attributes that filters name, and whole searches, page by page. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import type { UserId } from '../../../shared/ids.ts'
import { type Scope, search } from '../../../shared/store/search.ts'
import { DECLARED } from './values.ts'

export const ENTITIES = ['user', 'peer', 'object'] as const
export type Searched = (typeof ENTITIES)[number]

const LIVE = ['status', 'custom', 'metadata.level', 'metadata.modes', 'metadata.text', 'metadata.none']

/** Attribute paths in upper and lower case, both declared and undeclared. */
export const PATHS: Readonly<Record<Searched, readonly string[]>> = {
  user: [
    ...DECLARED.map((path) => `attributes.${path}`),
    ...['attributes.loose', 'Attributes.LEVEL', 'name', 'Name', 'createdAt'],
  ],
  peer: [...DECLARED.map((path) => `attributes.${path}`), 'name', 'lastSeenAt', ...LIVE],
  object: [...DECLARED.map((path) => `value.${path}`), 'value.loose', 'VALUE.Level', 'owner'],
}

export interface Asked {
  readonly entity: Searched
  readonly collection?: string | undefined
  readonly scopes: readonly string[]
  readonly filter?: string | undefined
  readonly sortBy?: string | undefined
  readonly descending?: boolean | undefined
  readonly limit: number
}

/** Returns the ids in the order of the results. */
export async function found(client: DynamoDBDocumentClient, asked: Asked): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const page = await search(client, { ...asked, scopes: asked.scopes as Scope[], cursor })
    ids.push(...page.items.map((item) => idOf(item as never)))
    cursor = page.cursor
  } while (cursor !== undefined)
  return ids
}

function idOf(item: { id?: string; peer?: string; user?: UserId }): string {
  return item.id ?? item.peer ?? item.user ?? ''
}
