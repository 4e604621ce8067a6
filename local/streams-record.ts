/** A record as a function receives it: what the SDK reads, as JSON (times in seconds, binary in base64). */
import type { _Record, AttributeValue } from '@aws-sdk/client-dynamodb-streams'
import type { DynamoDBRecord, AttributeValue as LambdaValue } from 'aws-lambda'

export function toLambdaRecord(record: _Record, stream: string): DynamoDBRecord {
  const { eventID, eventName, eventVersion, eventSource, awsRegion, dynamodb = {} } = record
  const {
    ApproximateCreationDateTime: at,
    Keys,
    NewImage,
    OldImage,
    SequenceNumber,
    SizeBytes,
    StreamViewType,
  } = dynamodb
  return JSON.parse(
    JSON.stringify({
      eventID,
      eventName,
      eventVersion,
      eventSource,
      awsRegion,
      eventSourceARN: stream,
      dynamodb: {
        ApproximateCreationDateTime: Math.floor((at?.getTime() ?? 0) / 1000),
        Keys: imageOf(Keys),
        NewImage: imageOf(NewImage),
        OldImage: imageOf(OldImage),
        SequenceNumber,
        SizeBytes,
        StreamViewType,
      },
    }),
  ) as DynamoDBRecord
}

type Image = Record<string, AttributeValue>

function imageOf(image: Image | undefined): Record<string, LambdaValue> | undefined {
  if (image === undefined) return undefined
  return Object.fromEntries(Object.entries(image).map(([name, value]) => [name, lambdaValueOf(value)]))
}

function lambdaValueOf(value: AttributeValue): LambdaValue {
  if (value.B !== undefined) return { B: base64(value.B) }
  if (value.BS !== undefined) return { BS: value.BS.map(base64) }
  if (value.L !== undefined) return { L: value.L.map(lambdaValueOf) }
  if (value.M !== undefined) return { M: imageOf(value.M) ?? {} }
  return value as LambdaValue
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
