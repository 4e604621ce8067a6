/**
 * The AWS services that preflight uses, answered on loopback from records of a healthy account. A test breaks one thing at a
 * time. An answer is JSON or XML as the service sends it; a number is the status of an error.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface Refusal {
  readonly status: number
  readonly error: string
}
export type Answer = object | string | Refusal
export type Answers = Readonly<Record<string, Answer | ((body: string) => Answer)>>

export const refused = (error: string, status = 400): Refusal => ({ status, error })

export interface RecordedAws {
  readonly endpoint: string
  /** Replaces answers until the next call. */
  breaks(answers: Answers): void
  close(): Promise<void>
}

export async function startRecorded(healthy: Answers): Promise<RecordedAws> {
  let broken: Answers = {}
  const server = createServer(async (request, response) => {
    const body = await text(request)
    const question = questionOf(request, body)
    const answer = broken[question] ?? healthy[question]
    const given = typeof answer === 'function' ? answer(body) : answer
    const { status, type, said } = rendered(given ?? refused(`NoRecordOf-${question}`, 501), question)
    response.writeHead(status, { 'content-type': type }).end(said)
  })
  // A synthesis blocks the process for longer than the default keep-alive timeout, and clients would then see connection
  // resets.
  server.keepAliveTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    breaks(answers) {
      broken = answers
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** Returns the target of a JSON service, the action of a query service, or the path. */
function questionOf({ headers, url = '' }: IncomingMessage, body: string): string {
  const target = headers['x-amz-target']
  if (target !== undefined) return String(target).split('.').at(-1)!
  return new URLSearchParams(body).get('Action') ?? url.split('?')[0]!
}

function rendered(answer: Answer, question: string) {
  const xml = /^[A-Z]/.test(question) && typeof answer === 'string'
  if (typeof answer === 'string')
    return {
      status: 200,
      type: 'text/xml',
      said: xml ? `<${question}Response>${answer}</${question}Response>` : answer,
    }
  if ('error' in answer) {
    const { status, error } = answer as Refusal
    const said = `<ErrorResponse><Error><Code>${error}</Code><Message>${error}</Message></Error></ErrorResponse>`
    const json = JSON.stringify({ __type: error, message: error })
    return QUERY.test(question)
      ? {
          status,
          type: 'text/xml',
          said: EC2.test(question) ? said.replace('ErrorResponse>', 'Response>') : said,
        }
      : { status, type: 'application/x-amz-json-1.1', said: json }
  }
  return { status: 200, type: 'application/x-amz-json-1.1', said: JSON.stringify(answer) }
}

const QUERY =
  /^(GetCallerIdentity|DescribeStacks|DescribeVpcs|DescribeSubnets|DescribeAvailabilityZones|DescribeInstanceType)/
const EC2 = /^Describe(Vpcs|Subnets|AvailabilityZones|InstanceType)/
