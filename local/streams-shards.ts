/** Which shards of a stream are due, and where reading them begins. */
import {
  DescribeStreamCommand,
  type DynamoDBStreamsClient,
  GetShardIteratorCommand,
  type Shard,
  TrimmedDataAccessException,
} from '@aws-sdk/client-dynamodb-streams'
import type { StreamCheckpoints } from './streams-checkpoints.ts'

/** The checkpoint of a shard that is through. */
export const THROUGH = 'through'

/** Shards that are not through, without those whose parent must come first. */
export async function dueShards(
  client: DynamoDBStreamsClient,
  stream: string,
  checkpoints: StreamCheckpoints,
): Promise<string[]> {
  const open = (await shardsOf(client, stream)).filter(({ ShardId }) => checkpoints.get(ShardId!) !== THROUGH)
  const ids = new Set(open.map(({ ShardId }) => ShardId!))
  return open.filter(({ ParentShardId }) => !ids.has(ParentShardId ?? '')).map(({ ShardId }) => ShardId!)
}

/** After the checkpoint; at the oldest record where there is none, or where what followed it is no longer kept. */
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
