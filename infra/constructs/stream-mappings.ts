import { Duration, Validations } from 'aws-cdk-lib'
import type { ITableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { FilterCriteria, FilterRule, type IFunction, StartingPosition } from 'aws-cdk-lib/aws-lambda'
import { DynamoEventSource, SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources'
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import { type Config, prefixOf } from '../config.ts'
import { STREAMS } from '../functions.ts'

/** Retries of a failing record. By default it would block its shard for a day. */
const RETRIES = 8
/** Age after which a record is given up: by then it is no longer news. */
const MAX_AGE = Duration.hours(1)

export interface StreamMappingsProps {
  readonly config: Pick<Config, 'name'>
  readonly function: IFunction
  /** Tables with a stream. */
  readonly tables: readonly ITableV2[]
  /**
   * Gathers the changes of a second into one batch per shard. Default: each shard is polled four times a second, with two
   * batches in parallel.
   */
  readonly gathers?: true | undefined
  /** Delivers new items only. Default: changed and removed ones too. */
  readonly inserts?: true | undefined
}

/**
 * Event source mappings from the streams of tables to a function. A failing batch is halved until the failing record is
 * found. Records after it in its half are delivered again; records before it are not. A record that is given up is named in
 * a dead-letter queue that an alarm watches.
 */
export class StreamMappings extends Construct {
  /** The dead-letter queue. It keeps entries for 14 days. */
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
    for (const table of props.tables) props.function.addEventSource(this.#source(table, props))
  }

  #source(table: ITableV2, { gathers, inserts }: StreamMappingsProps): DynamoEventSource {
    return new DynamoEventSource(table, {
      startingPosition: StartingPosition.TRIM_HORIZON,
      ...(gathers
        ? { batchSize: STREAMS.gathered, maxBatchingWindow: Duration.seconds(1) }
        : { batchSize: STREAMS.batch, parallelizationFactor: STREAMS.parallel }),
      ...(inserts && { filters: [FilterCriteria.filter({ eventName: FilterRule.isEqual('INSERT') })] }),
      bisectBatchOnError: true,
      reportBatchItemFailures: true,
      retryAttempts: RETRIES,
      maxRecordAge: MAX_AGE,
      onFailure: new SqsDlq(this.failed),
    })
  }
}
