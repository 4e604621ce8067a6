/** Finds the shards of a stream that are due, and where to start reading each. */
import {
  DescribeStreamCommand,
  type DynamoDBStreamsClient,
  GetShardIteratorCommand,
  type Shard,
  TrimmedDataAccessException,
} from '@aws-sdk/client-dynamodb-streams'
import type { StreamCheckpoints } from './streams-checkpoints.ts'

/** Checkpoint of a shard that has been read to its end. */
export const THROUGH = 'through'

/** Ids of the unfinished shards, without those whose parent is unfinished. */
export async function dueShards(
  client: DynamoDBStreamsClient,
  stream: string,
  checkpoints: StreamCheckpoints,
): Promise<string[]> {
  const open = (await shardsOf(client, stream)).filter(({ ShardId }) => checkpoints.get(ShardId!) !== THROUGH)
  const ids = new Set(open.map(({ ShardId }) => ShardId!))
  return open.filter(({ ParentShardId }) => !ids.has(ParentShardId ?? '')).map(({ ShardId }) => ShardId!)
}

/** Iterator after the checkpoint, or at the oldest record if there is no checkpoint or the records after it are gone. */
export async function iteratorAt(
  client: DynamoDBStreamsClient,
  stream: string,
  shard: string,
  checkpoint: string | undefined,
): Promise<string> {
  const place = { StreamArn: stream, ShardId: shard }
  const oldest = new GetShardIteratorCommand({ ...place, ShardIteratorType: 'TRIM_HORIZON' })
  if (checkpoint === undefined) return (await client.send(oldest)).ShardIterator!
  const after = { ...place, ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: checkpoint } as const
  try {
    return (await client.send(new GetShardIteratorCommand(after))).ShardIterator!
  } catch (error) {
    if (!(error instanceof TrimmedDataAccessException)) throw error
    return (await client.send(oldest)).ShardIterator!
  }
}

async function shardsOf(client: DynamoDBStreamsClient, stream: string): Promise<Shard[]> {
  const shards: Shard[] = []
  let from: string | undefined
  do {
    const describe = new DescribeStreamCommand({ StreamArn: stream, ExclusiveStartShardId: from })
    const { StreamDescription } = await client.send(describe)
    shards.push(...(StreamDescription?.Shards ?? []))
    from = StreamDescription?.LastEvaluatedShardId
  } while (from !== undefined)
  return shards
}
