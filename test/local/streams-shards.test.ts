/** The embedded engine has one shard for each stream. Here the service is a server that answers as it would after a split. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { openCheckpoints } from '../../local/streams-checkpoints.ts'
import { POLICY, type StreamHandler } from '../../local/streams-delivery.ts'
import { StreamReader, type StreamReaderOptions } from '../../local/streams-reader.ts'
import { StreamRecords } from '../../local/streams-records.ts'
import { connectionConfig } from '../../shared/store/client.ts'

type Request = Readonly<Record<string, unknown>>
type Answer = { readonly status?: number; readonly body: object }

type Service = Pick<StreamReaderOptions, 'client' | 'records'>

/** `operation` is the last part of X-Amz-Target: GetRecords, DescribeStream, GetShardIterator. */
async function service(answer: (operation: string, request: Request) => Answer): Promise<Service> {
  const server = createServer(async (request, response) => {
    const operation = String(request.headers['x-amz-target']).split('.')[1]!
    const { status = 200, body } = answer(operation, (await json(request)) as Request)
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = new DynamoDBStreamsClient(connectionConfig({ endpoint }))
  const records = new StreamRecords(endpoint)
  onTestFinished(() => {
    client.destroy()
    records.close()
    server.close()
    server.closeAllConnections()
  })
  return { client, records }
}

const record = (sequence: string) => ({
  eventName: 'INSERT',
  dynamodb: {
    SequenceNumber: sequence,
    Keys: { k: { S: sequence } },
    ApproximateCreationDateTime: Date.now() / 1000,
  },
})

/** Sequence numbers by shard; a shard that has a child is closed. */
const SHARDS: Readonly<Record<string, readonly string[]>> = {
  parent: ['1', '2'],
  left: ['3'],
  right: ['4', '5'],
}
const OPEN = new Set(['left', 'right'])

function split(operation: string, request: Request): Answer {
  switch (operation) {
    case 'DescribeStream': {
      const Shards = [
        { ShardId: 'left', ParentShardId: 'parent' },
        { ShardId: 'parent', ParentShardId: 'forgotten long ago' },
        { ShardId: 'right', ParentShardId: 'parent' },
      ]
      const first = request.ExclusiveStartShardId === undefined
      const page = first
        ? { Shards: Shards.slice(0, 1), LastEvaluatedShardId: 'left' }
        : { Shards: Shards.slice(1) }
      return { body: { StreamDescription: page } }
    }
    case 'GetShardIterator': {
      const after = SHARDS[String(request.ShardId)]!.indexOf(String(request.SequenceNumber))
      return { body: { ShardIterator: `${request.ShardId} ${after + 1}` } }
    }
    default: {
      const [shard = '', at = ''] = String(request.ShardIterator).split(' ')
      const next = SHARDS[shard]![Number(at)]
      const through = next === undefined && !OPEN.has(shard)
      const following = `${shard} ${Number(at) + (next === undefined ? 0 : 1)}`
      const NextShardIterator = through ? {} : { NextShardIterator: following }
      return { body: { Records: next === undefined ? [] : [record(next)], ...NextShardIterator } }
    }
  }
}

async function read(from: Service, given: Record<string, string> = {}) {
  const seen: string[] = []
  const handler: StreamHandler = async ({ Records }) => {
    seen.push(...Records.map(({ dynamodb }) => dynamodb!.SequenceNumber!))
    return undefined
  }
  const checkpoints = (await openCheckpoints(undefined)).of('test', 'arn')
  for (const [shard, sequence] of Object.entries(given)) await checkpoints.keep(shard, sequence)
  const delivery = { name: 'test', handler, policy: POLICY, onFailure: () => {} }
  const reader = new StreamReader({ ...from, stream: 'arn', checkpoints, delivery })
  onTestFinished(() => reader.close())
  await reader.drain()
  return { seen, checkpoints }
}

describe('a stream whose shard was split', () => {
  test('is read parent first, then its children', async () => {
    const { seen, checkpoints } = await read(await service(split))
    expect(seen.slice(0, 2)).toEqual(['1', '2'])
    expect(seen.slice(2).sort()).toEqual(['3', '4', '5'])
    expect(seen.indexOf('4')).toBeLessThan(seen.indexOf('5'))
    expect(checkpoints.get('parent')).toBe('through')
  })

  test('goes on after each checkpoint', async () => {
    const { seen } = await read(await service(split), { parent: 'through', left: '3', right: '4' })
    expect(seen).toEqual(['5'])
  })
})

test('a checkpoint whose records are no longer kept begins at the oldest', async () => {
  const answering = await service((operation, request) => {
    const trimmed = operation === 'GetShardIterator' && request.ShardIteratorType === 'AFTER_SEQUENCE_NUMBER'
    return trimmed
      ? { status: 400, body: { __type: 'TrimmedDataAccessException' } }
      : split(operation, request)
  })
  const { seen } = await read(answering, { parent: 'through', left: '0', right: '0' })
  expect(seen.sort()).toEqual(['3', '4', '5'])
})

test('an iterator that has expired is taken again at the checkpoint', async () => {
  const log = vi.spyOn(console, 'error').mockReturnValue()
  onTestFinished(() => log.mockRestore())
  let expired = false
  const answering = await service((operation, request) => {
    if (operation !== 'GetRecords' || expired || request.ShardIterator !== 'parent 1')
      return split(operation, request)
    expired = true
    return { status: 400, body: { __type: 'ExpiredIteratorException' } }
  })
  const { seen } = await read(answering)
  expect(seen.slice(0, 2)).toEqual(['1', '2'])
  expect(seen).toHaveLength(5)
  expect(log).toHaveBeenCalledExactlyOnceWith('test: cannot read the stream:', expect.any(Error))
})
