import { Duration, Validations } from 'aws-cdk-lib'
import type { ITableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { type IFunction, StartingPosition } from 'aws-cdk-lib/aws-lambda'
import { DynamoEventSource, SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { type Config, prefixOf } from '../config.ts'

/** A record that fails is tried this often, and no longer than it is still news; by default it would block for a day. */
const RETRIES = 8
const MAX_AGE = Duration.hours(1)
const BATCH = 100
/** Of a second: a shard in trouble has larger batches, not more of them. */
const GATHERED = 1_000
/** Shards are read in order for each key, so reading one from several sides keeps the order that matters. */
const PARALLEL = 2

export interface StreamMappingsProps {
  readonly config: Pick<Config, 'name'>
  readonly function: IFunction
  readonly tables: readonly ITableV2[]
  /** Changes are gathered for a second, in one batch a shard. Default: a shard is read four times a second, from two sides. */
  readonly gathers?: true | undefined
}

/**
 * A function behind the streams of tables. A batch that fails is cut in halves until the record is found; what comes after
 * it in its half comes again, what came before does not; given up, it is named in a queue that an alarm watches.
 */
export class StreamMappings extends Construct {
  readonly failed: Queue

  constructor(scope: Construct, id: string, props: StreamMappingsProps) {
    super(scope, id)
    this.failed = new Queue(this, 'Failed', {
      queueName: `${prefixOf(props.config)}${id}-failed`,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    })
    Validations.of(this.failed).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'It is a dead-letter queue itself: of the stream mappings of its function.',
    })
    for (const table of props.tables) props.function.addEventSource(this.#source(table, props.gathers))
  }

  #source(table: ITableV2, gathers: true | undefined): DynamoEventSource {
    return new DynamoEventSource(table, {
      startingPosition: StartingPosition.TRIM_HORIZON,
      ...(gathers
        ? { batchSize: GATHERED, maxBatchingWindow: Duration.seconds(1) }
        : { batchSize: BATCH, parallelizationFactor: PARALLEL }),
      bisectBatchOnError: true,
      reportBatchItemFailures: true,
      retryAttempts: RETRIES,
      maxRecordAge: MAX_AGE,
      onFailure: new SqsDlq(this.failed),
    })
  }
}
