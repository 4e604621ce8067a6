/**
 * An in-process DynamoDB, as far as the store needs it for presence and messages: items, indexes, streams, and the units that
 * AWS would charge. The embedded engine is too slow: it answers a few thousand calls per second, which a fleet of a million
 * peers makes already. `test/bench/fleet.test.ts` compares the answers with those of the engine.
 */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { marshall } from '@aws-sdk/util-dynamodb'
import type { DynamoDBRecord } from 'aws-lambda'
import { StraightwayError } from '../../shared/errors.ts'
import { TABLES, type Table, type TableName } from '../../shared/store/tables.ts'
import { Contents, type Rows } from './contents.ts'
import { holds, type Item, type Names, updated } from './expressions.ts'
import { indexOf, keyNames, keysOf, partitionIn } from './keys.ts'
import { bytesOf, readUnits, writeUnits } from './units.ts'

export interface Units {
  calls: number
  read: number
  write: number
}

interface Input extends Names {
  readonly TableName: TableName
  readonly IndexName?: string
  readonly Key?: Item
  readonly Item?: Item
  readonly ConsistentRead?: boolean
  readonly ConditionExpression?: string
  readonly UpdateExpression?: string
  readonly KeyConditionExpression?: string
  readonly FilterExpression?: string
  readonly Limit?: number
  readonly Select?: string
  readonly Segment?: number
  readonly TotalSegments?: number
  readonly RequestItems?: Readonly<Record<string, never>>
}

/** Items that are computed from their key and so take no memory: users and peers of a large population. */
export type Derived = Partial<Record<TableName, (key: Item) => Item | undefined>>

export class MemoryTables {
  /** The client. It has the SDK's prototype, because the SDK's paginators check the class. */
  readonly client: DynamoDBDocumentClient = Object.assign(Object.create(DynamoDBDocumentClient.prototype), {
    send: (command: object) => this.#send(command),
  })
  readonly units = new Map<TableName, Units>()
  /** Changes that no function has read yet, by table. */
  readonly streams = new Map<TableName, DynamoDBRecord[]>()
  readonly #derived: Derived
  readonly #contents: Contents
  readonly #now: () => number
  #sequence = 0

  /** `rows`: what the tables hold from the beginning. */
  constructor(derived: Derived, now: () => number, rows: Partial<Record<TableName, Rows>> = {}) {
    this.#derived = derived
    this.#contents = new Contents(rows)
    this.#now = now
  }

  async #send(command: object): Promise<object> {
    const { input } = command as { input: Input }
    switch (command.constructor.name) {
      case 'GetCommand':
        return this.#get(input)
      case 'PutCommand':
        return this.#put(input)
      case 'UpdateCommand':
        return this.#update(input)
      case 'DeleteCommand':
        return this.#delete(input)
      case 'QueryCommand':
        return this.#query(input)
      case 'ScanCommand':
        return this.#scan(input)
      case 'BatchGetCommand':
        return this.#batchGet(input)
      case 'BatchWriteCommand':
        return this.#batchWrite(input)
      default:
        throw new StraightwayError('internal', `bench: ${command.constructor.name} is not known`)
    }
  }

  #get({ TableName, Key, ConsistentRead }: Input): object {
    const found = this.#find(TableName, Key!)
    this.#charge(TableName, { read: readUnits(bytesOf(found), ConsistentRead) })
    return found === undefined ? {} : { Item: { ...found } }
  }

  #put(input: Input): object {
    const { TableName, Item: next, ConditionExpression } = input
    const before = this.#find(TableName, next!)
    this.#check(ConditionExpression, before, input)
    this.#write(TableName, before, defined(next!))
    return { Attributes: before }
  }

  #update(input: Input): object {
    const { TableName, Key, ConditionExpression, UpdateExpression } = input
    const before = this.#find(TableName, Key!)
    this.#check(ConditionExpression, before, input)
    const Attributes = updated(UpdateExpression!, before ?? { ...Key }, input)
    this.#write(TableName, before, Attributes)
    return { Attributes }
  }

  #delete(input: Input): object {
    const { TableName, Key, ConditionExpression } = input
    const before = this.#find(TableName, Key!)
    this.#check(ConditionExpression, before, input)
    if (before === undefined) this.#charge(TableName, { write: 1 })
    else this.#write(TableName, before, undefined)
    return {}
  }

  #query(input: Input): object {
    const { TableName, IndexName, KeyConditionExpression, FilterExpression, ConsistentRead, Limit } = input
    const { partition, sort } = indexOf(TableName, IndexName)
    const wanted = partitionIn(input, partition)
    const found = [...this.#contents.all(TableName, IndexName, wanted)].filter((item) =>
      holds(KeyConditionExpression, item, input),
    )
    if (sort !== undefined) found.sort((a, b) => (String(a[sort]) < String(b[sort]) ? -1 : 1))
    const page = found.slice(0, Limit)
    const bytes = page.reduce((sum, item) => sum + bytesOf(item), 0)
    this.#charge(TableName, { read: readUnits(bytes, ConsistentRead) })
    const Items = page.filter((item) => holds(FilterExpression, item, input)).map((item) => ({ ...item }))
    return { Items, Count: Items.length, ...(page.length < found.length && { LastEvaluatedKey: {} }) }
  }

  /** Answers with the whole share of a table in one page. */
  #scan(input: Input): object {
    const { TableName, IndexName, FilterExpression, ConsistentRead, Segment = 0, TotalSegments = 1 } = input
    const Items: Item[] = []
    let bytes = 0
    for (const item of this.#contents.all(TableName, IndexName)) {
      const [partition] = TotalSegments === 1 ? '' : keysOf(TableName, item)
      if (TotalSegments > 1 && sumOf(partition!) % TotalSegments !== Segment) continue
      bytes += bytesOf(item)
      if (holds(FilterExpression, item, input)) Items.push({ ...item })
    }
    this.#charge(TableName, { read: readUnits(bytes, ConsistentRead) })
    return { Items, Count: Items.length }
  }

  #batchGet({ RequestItems }: Input): object {
    const Responses: Record<string, Item[]> = {}
    for (const [name, request] of Object.entries(RequestItems ?? {}) as [TableName, BatchGet][]) {
      const found = request.Keys.map((key) => this.#find(name, key))
      const read = found.reduce((sum, item) => sum + readUnits(bytesOf(item), request.ConsistentRead), 0)
      this.#charge(name, { read })
      Responses[name] = found.flatMap((item) => (item === undefined ? [] : [{ ...item }]))
    }
    return { Responses }
  }

  #batchWrite({ RequestItems }: Input): object {
    for (const [name, requests] of Object.entries(RequestItems ?? {}) as [TableName, BatchWrite[]][]) {
      for (const { DeleteRequest, PutRequest } of requests) {
        if (DeleteRequest) this.#delete({ TableName: name, Key: DeleteRequest.Key })
        if (PutRequest) this.#put({ TableName: name, Item: PutRequest.Item })
      }
    }
    return {}
  }

  #check(condition: string | undefined, before: Item | undefined, input: Input): void {
    if (holds(condition, before, input)) return
    this.#charge(input.TableName, { write: 1 })
    throw new ConditionalCheckFailedException({ message: 'refused', $metadata: {} })
  }

  #find(name: TableName, key: Item): Item | undefined {
    const derived = this.#derived[name]
    return derived === undefined ? this.#contents.find(name, key) : derived(key)
  }

  #write(name: TableName, before: Item | undefined, after: Item | undefined): void {
    this.#contents.put(name, before, after)
    let write = Math.max(writeUnits(before), writeUnits(after))
    for (const index of (TABLES[name] as Table).indexes ?? []) {
      const [old, now] = [before?.[index.partition], after?.[index.partition]]
      if (old !== now) write += Number(old !== undefined) + Number(now !== undefined)
      else if (now !== undefined && !index.keysOnly) write += writeUnits(after)
    }
    this.#charge(name, { write })
    if ((TABLES[name] as Table).stream !== undefined) this.#tell(name, before, after)
  }

  #tell(name: TableName, before: Item | undefined, after: Item | undefined): void {
    const options = { removeUndefinedValues: true }
    const keys = Object.fromEntries(keyNames(name).map((key) => [key, (after ?? before)![key]]))
    const record = {
      eventID: `${++this.#sequence}`,
      eventName: after === undefined ? 'REMOVE' : before === undefined ? 'INSERT' : 'MODIFY',
      eventSourceARN: `arn:aws:dynamodb:bench:000000000000:table/${name}/stream/1`,
      dynamodb: {
        ApproximateCreationDateTime: Math.floor(this.#now() / 1000),
        Keys: marshall(keys),
        SequenceNumber: `${this.#sequence}`,
        ...(before && { OldImage: marshall(before, options) }),
        ...(after && { NewImage: marshall(after, options) }),
      },
    } as DynamoDBRecord
    const stream = this.streams.get(name)
    if (stream === undefined) this.streams.set(name, [record])
    else stream.push(record)
  }

  #charge(name: TableName, { read = 0, write = 0 }: Partial<Units>): void {
    const units = this.units.get(name) ?? { calls: 0, read: 0, write: 0 }
    units.calls++
    units.read += read
    units.write += write
    this.units.set(name, units)
  }
}

interface BatchGet {
  readonly Keys: readonly Item[]
  readonly ConsistentRead?: boolean
}

interface BatchWrite {
  readonly DeleteRequest?: { readonly Key: Item }
  readonly PutRequest?: { readonly Item: Item }
}

function sumOf(key: string): number {
  let sum = 0
  for (let i = 0; i < key.length; i++) sum = (Math.imul(sum, 31) + key.charCodeAt(i)) >>> 0
  return sum
}

const defined = (item: Item): Item =>
  Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined))
