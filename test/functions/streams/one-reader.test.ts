import type { DynamoDBRecord } from 'aws-lambda'
import { afterEach, expect, test, vi } from 'vitest'
import { oneReader, type Part } from '../../../functions/streams/one-reader.ts'

afterEach(() => vi.restoreAllMocks())

const batch = (...names: string[]): DynamoDBRecord[] =>
  names.map((eventID) => ({ eventID, dynamodb: { SequenceNumber: `at ${eventID}` } }))

/** Returns a reader that records its input, and fails at each named record the given number of times. */
function scripted(failing: Readonly<Record<string, number>> = {}) {
  const left = new Map(Object.entries(failing))
  const seen: string[] = []
  const part: Part = async ({ Records }) => {
    const failures: string[] = []
    for (const { eventID = '', dynamodb } of Records) {
      seen.push(eventID)
      const times = left.get(eventID) ?? 0
      if (times > 0) failures.push(dynamodb!.SequenceNumber!)
      left.set(eventID, times - 1)
    }
    return { batchItemFailures: failures.map((itemIdentifier) => ({ itemIdentifier })) }
  }
  return { part, seen }
}

const read = (reader: Part, Records: DynamoDBRecord[]) => reader({ Records }, {} as never)
const from = (name: string) => ({ batchItemFailures: [{ itemIdentifier: `at ${name}` }] })
const DONE = { batchItemFailures: [] }

test('each part gets every record, and a batch that all did is done', async () => {
  const [one, other] = [scripted(), scripted()]
  expect(await read(oneReader(one.part, other.part), batch('a', 'b'))).toEqual(DONE)
  expect([one.seen, other.seen]).toEqual([
    ['a', 'b'],
    ['a', 'b'],
  ])
})

test('a batch comes again from the first record that any part left', async () => {
  const reader = oneReader(scripted({ c: 1 }).part, scripted({ b: 1, d: 1 }).part)
  expect(await read(reader, batch('a', 'b', 'c', 'd'))).toEqual(from('b'))
})

test('what one part failed is not done again by the other', async () => {
  const [index, push] = [scripted({ b: 2 }), scripted()]
  const reader = oneReader(index.part, push.part)
  expect(await read(reader, batch('a', 'b', 'c'))).toEqual(from('b'))
  expect(await read(reader, batch('b', 'c'))).toEqual(from('b'))
  expect(await read(reader, batch('b', 'c', 'd'))).toEqual(DONE)
  expect(push.seen).toEqual(['a', 'b', 'c', 'd'])
  expect(index.seen).toEqual(['a', 'b', 'c', 'b', 'c', 'b', 'c', 'd'])
})

test('halves of a batch are read as the whole was', async () => {
  const [index, push] = [scripted({ a: 1 }), scripted()]
  const reader = oneReader(index.part, push.part)
  expect(await read(reader, batch('a', 'b', 'c', 'd'))).toEqual(from('a'))
  expect(await read(reader, batch('a', 'b'))).toEqual(DONE)
  expect(await read(reader, batch('c', 'd'))).toEqual(DONE)
  expect(push.seen).toEqual(['a', 'b', 'c', 'd'])
})

test('a part that does not answer fails the batch once the others are through', async () => {
  const log = vi.spyOn(console, 'error').mockReturnValue()
  const push = scripted()
  const mute: Part = async () => {
    throw new Error('out of reach')
  }
  expect(await read(oneReader(mute, push.part), batch('a', 'b'))).toEqual(from('a'))
  expect(push.seen).toEqual(['a', 'b'])
  expect(log).toHaveBeenCalledOnce()
})

test('a failure that names no record of the batch fails all of it', async () => {
  const vague: Part = async () => ({ batchItemFailures: [{ itemIdentifier: 'at nowhere' }] })
  expect(await read(oneReader(vague), batch('a', 'b'))).toEqual(from('a'))
})
