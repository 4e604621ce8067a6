/** The items in the tables and in their indexes. */
import { TABLES, type Table, type TableName } from '../../shared/store/tables.ts'
import type { Item } from './expressions.ts'
import { keysOf } from './keys.ts'

/** Items of a table that were there before anything happened, computed so that they take no memory until they change. */
export interface Rows {
  get(key: Item): Item | undefined
  /** All items, or those of a partition. */
  items(partition?: string): Iterable<Item>
}

type Groups = Map<string, Map<string, Map<string, Item>>>

export class Contents {
  readonly #items: Groups = new Map()
  /** Units by `table.index`. */
  readonly #indexes: Groups = new Map()
  readonly #rows: Partial<Record<TableName, Rows>>
  /** Keys of items that have changed, by table: `rows` no longer counts for them. */
  readonly #changed = new Map<TableName, Set<string>>()

  constructor(rows: Partial<Record<TableName, Rows>>) {
    this.#rows = rows
  }

  find(name: TableName, key: Item): Item | undefined {
    const [partition, sort] = keysOf(name, key)
    const item = this.#items.get(name)?.get(partition)?.get(sort)
    const rows = this.#rows[name]
    if (item !== undefined || rows === undefined) return item
    return this.#changed.get(name)?.has(`${partition} ${sort}`) ? undefined : rows.get(key)
  }

  put(name: TableName, before: Item | undefined, after: Item | undefined): void {
    const [partition, sort] = keysOf(name, (after ?? before)!)
    const id = `${partition} ${sort}`
    enter(this.#items, name, partition, sort, after)
    if (this.#rows[name] !== undefined)
      this.#changed.set(name, (this.#changed.get(name) ?? new Set()).add(id))
    for (const index of (TABLES[name] as Table).indexes ?? []) {
      const [old, now] = [before?.[index.partition], after?.[index.partition]] as (string | undefined)[]
      if (old !== undefined && old !== now) enter(this.#indexes, `${name}.${index.name}`, old, id, undefined)
      if (now !== undefined) enter(this.#indexes, `${name}.${index.name}`, now, id, after)
    }
  }

  /** The items of a table or an index, or of one partition of it. */
  *all(name: TableName, index: string | undefined, partition?: string): Generator<Item> {
    const all = index === undefined ? this.#items.get(name) : this.#indexes.get(`${name}.${index}`)
    const groups = partition === undefined ? (all?.values() ?? []) : [all?.get(partition) ?? new Map()]
    for (const group of groups) yield* (group as Map<string, Item>).values()
    const changed = this.#changed.get(name)
    for (const item of (index === undefined && this.#rows[name]?.items(partition)) || [])
      if (!changed?.has(keysOf(name, item).join(' '))) yield item
  }
}

function enter(all: Groups, name: string, partition: string, sort: string, item: Item | undefined): void {
  const table = all.get(name) ?? new Map<string, Map<string, Item>>()
  const group = table.get(partition) ?? new Map<string, Item>()
  if (item === undefined) group.delete(sort)
  else group.set(sort, item)
  if (group.size === 0) table.delete(partition)
  else table.set(partition, group)
  all.set(name, table)
}
