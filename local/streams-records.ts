/**
 * A client for GetRecords, as JSON over HTTP. The service's records have the form that a function receives, except for
 * the time and the stream. Idle streams are polled all the time, and this uses less CPU than the SDK.
 */
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { text } from 'node:stream/consumers'
import type { DynamoDBRecord } from 'aws-lambda'

export interface RecordPage {
  readonly records: readonly DynamoDBRecord[]
  /** Iterator for the next page; undefined at the end of the shard. */
  readonly next: string | undefined
}

interface Answer {
  readonly Records?: readonly DynamoDBRecord[]
  readonly NextShardIterator?: string
  /** Type of an error. */
  readonly __type?: string
}

/** Headers with a fake signature. A local DynamoDB does not check signatures, but some require one and read the region in it. */
const headersFor = (region: string) => ({
  'content-type': 'application/x-amz-json-1.0',
  'x-amz-target': 'DynamoDBStreams_20120810.GetRecords',
  'x-amz-date': '20260101T000000Z',
  authorization: `AWS4-HMAC-SHA256 Credential=local/20260101/${region}/dynamodb/aws4_request, SignedHeaders=host, Signature=none`,
})

export class StreamRecords {
  readonly #endpoint: URL
  readonly #protocol: typeof http | typeof https
  readonly #agent: http.Agent
  readonly #headers: Readonly<Record<string, string>>

  constructor(endpoint: string, region = 'local') {
    this.#endpoint = new URL(endpoint)
    this.#headers = headersFor(region)
    this.#protocol = this.#endpoint.protocol === 'https:' ? https : http
    this.#agent = new this.#protocol.Agent({ keepAlive: true })
  }

  /** Reads a page. `stream`: ARN to put into the records. Rejects if the service refuses. */
  async read(stream: string, iterator: string, limit: number): Promise<RecordPage> {
    const { Records = [], NextShardIterator } = await this.#ask({ ShardIterator: iterator, Limit: limit })
    return { records: Records.map((record) => asReceived(record, stream)), next: NextShardIterator }
  }

  close(): void {
    this.#agent.destroy()
  }

  async #ask(question: object): Promise<Answer> {
    const request = this.#protocol.request(this.#endpoint, {
      method: 'POST',
      agent: this.#agent,
      headers: this.#headers,
    })
    // Ignores a connection that breaks after the answer has begun: reading the answer fails then.
    request.on('error', () => {}).end(JSON.stringify(question))
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    const answer = JSON.parse(await text(response)) as Answer
    if (response.statusCode === 200) return answer
    throw new Error(`GetRecords: ${response.statusCode} ${answer.__type}`)
  }
}

/** Converts a record to the form that a function receives, with the time in whole seconds. */
function asReceived(record: DynamoDBRecord, stream: string): DynamoDBRecord {
  const at = Math.floor(record.dynamodb?.ApproximateCreationDateTime ?? 0)
  return {
    ...record,
    eventSourceARN: stream,
    dynamodb: { ...record.dynamodb, ApproximateCreationDateTime: at },
  }
}
