/**
 * Items that a request is going to need, read in one call in advance. The client made from them answers each item
 * once from memory. A second read of the same item, such as a retry after a refused write, goes to the table.
 */
import {
  BatchGetCommand,
  type BatchGetCommandOutput,
  type DynamoDBDocumentClient,
  GetCommand,
} from '@aws-sdk/lib-dynamodb'
import { tableName } from './client.ts'
import type { Key } from './pages.ts'
import type { TableName } from './tables.ts'

export interface ItemKey {
  readonly table: TableName
  readonly key: Key
}

type Item = Readonly<Record<string, unknown>>
type Keys = readonly Key[]
type Requests = Record<string, { Keys: Keys; ConsistentRead: true }>

export class Remembered {
  /** The items by table and key; undefined for an item that does not exist. */
  readonly #items: Map<string, Item | undefined>

  private constructor(items: Map<string, Item | undefined>) {
    this.#items = items
  }

  /** Reads at most 100 items. Those that DynamoDB leaves unprocessed are not remembered. */
  static async read(client: DynamoDBDocumentClient, keys: readonly ItemKey[]): Promise<Remembered> {
    const distinct = new Map(keys.map((one) => [nameOf(tableName(one.table), one.key), one]))
    const requests: Requests = {}
    for (const { table, key } of distinct.values()) {
      const known = requests[tableName(table)]?.Keys ?? []
      requests[tableName(table)] = { Keys: [...known, key], ConsistentRead: true }
    }
    const { Responses = {}, UnprocessedKeys = {} }: BatchGetCommandOutput = await client.send(
      new BatchGetCommand({ RequestItems: requests as never }),
    )
    const items = new Map<string, Item | undefined>([...distinct.keys()].map((name) => [name, undefined]))
    for (const [table, { Keys = [] }] of Object.entries(UnprocessedKeys))
      for (const key of Keys) items.delete(nameOf(table, key as Key))
    for (const { table, key } of distinct.values()) {
      const found = Responses[tableName(table)]?.find((item) =>
        Object.entries(key).every(([name, value]) => item[name] === value),
      )
      if (found !== undefined) items.set(nameOf(tableName(table), key), found)
    }
    return new Remembered(items)
  }

  /** True if the item was read, even if it does not exist. */
  has({ table, key }: ItemKey): boolean {
    return this.#items.has(nameOf(tableName(table), key))
  }

  get<T>({ table, key }: ItemKey): T | undefined {
    return this.#items.get(nameOf(tableName(table), key)) as T | undefined
  }

  client(client: DynamoDBDocumentClient): DynamoDBDocumentClient {
    const send = (command: unknown, ...rest: readonly unknown[]) => {
      const ask = (other: unknown) =>
        (client.send as (...all: unknown[]) => Promise<unknown>).call(client, other, ...rest)
      if (command instanceof GetCommand) return this.#one(command, ask)
      if (command instanceof BatchGetCommand) return this.#many(command, ask)
      return ask(command)
    }
    return { send } as unknown as DynamoDBDocumentClient
  }

  async #one(command: GetCommand, ask: (command: unknown) => Promise<unknown>): Promise<unknown> {
    const name = nameOf(command.input.TableName ?? '', command.input.Key as Key)
    if (!this.#items.has(name)) return ask(command)
    const Item = this.#take(name)
    return Item === undefined ? {} : { Item }
  }

  async #many(command: BatchGetCommand, ask: (command: unknown) => Promise<unknown>): Promise<unknown> {
    const Responses: Record<string, Item[]> = {}
    const left: Record<string, unknown> = {}
    for (const [table, request] of Object.entries(command.input.RequestItems ?? {})) {
      const keys = (request.Keys ?? []) as Keys
      const known = keys.filter((key) => this.#items.has(nameOf(table, key)))
      const unknown = keys.filter((key) => !known.includes(key))
      Responses[table] = known
        .map((key) => this.#take(nameOf(table, key)))
        .filter((item) => item !== undefined)
      if (unknown.length > 0) left[table] = { ...request, Keys: unknown }
    }
    if (Object.keys(left).length === 0) return { Responses }
    const reply = (await ask(new BatchGetCommand({ RequestItems: left as never }))) as BatchGetCommandOutput
    for (const [table, items] of Object.entries(reply.Responses ?? {})) Responses[table]?.push(...items)
    return { ...reply, Responses }
  }

  #take(name: string): Item | undefined {
    const item = this.#items.get(name)
    this.#items.delete(name)
    return item
  }
}

function nameOf(table: string, key: Key): string {
  return JSON.stringify([table, ...Object.entries(key).sort(([a], [b]) => (a < b ? -1 : 1))])
}
