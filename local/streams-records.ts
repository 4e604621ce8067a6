/**
 * GetRecords, as JSON over HTTP: what the service answers is what a function receives, but for the time and the stream. Idle
 * streams are asked all the time, and this costs less CPU than the SDK does.
 */
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { text } from 'node:stream/consumers'
import type { DynamoDBRecord } from 'aws-lambda'

export interface RecordPage {
  readonly records: readonly DynamoDBRecord[]
  /** Undefined where the shard is through. */
  readonly next: string | undefined
}

interface Answer {
  readonly Records?: readonly DynamoDBRecord[]
  readonly NextShardIterator?: string
  /** Of an error. */
  readonly __type?: string
}

/** No DynamoDB of one machine checks signatures; some want to see one, and read the region in it. */
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

  /** `stream`: the ARN that the records name. Rejects where the service refuses. */
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
    // Once the answer has begun nobody else hears of a connection that breaks; reading it fails then.
    request.on('error', () => {}).end(JSON.stringify(question))
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    const answer = JSON.parse(await text(response)) as Answer
    if (response.statusCode === 200) return answer
    throw new Error(`GetRecords: ${response.statusCode} ${answer.__type}`)
  }
}

/** Times are whole seconds there. */
function asReceived(record: DynamoDBRecord, stream: string): DynamoDBRecord {
  const at = Math.floor(record.dynamodb?.ApproximateCreationDateTime ?? 0)
  return {
    ...record,
    eventSourceARN: stream,
    dynamodb: { ...record.dynamodb, ApproximateCreationDateTime: at },
  }
}
