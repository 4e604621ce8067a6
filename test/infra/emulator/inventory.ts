/**
 * The resources of a system in an account, by kind: those whose names begin with the prefix of its physical names, as listed
 * by the services themselves. Requests go over plain HTTP. An emulator checks no signature, and five more SDK clients would
 * give the same answer.
 */
import { connection } from '../../../local/cloud/cdk.ts'

interface Question {
  readonly service: string
  readonly path?: string
  /** Target of the JSON protocol, or action of the query protocol. */
  readonly target?: string
  readonly action?: string
}

const QUESTIONS = {
  stacks: { service: 'cloudformation', action: 'DescribeStacks' },
  tables: { service: 'dynamodb', target: 'DynamoDB_20120810.ListTables' },
  secrets: { service: 'secretsmanager', target: 'secretsmanager.ListSecrets' },
  functions: { service: 'lambda', path: '/2015-03-31/functions' },
  'stream mappings': { service: 'lambda', path: '/2015-03-31/event-source-mappings' },
  'REST APIs': { service: 'apigateway', path: '/restapis' },
  'WebSocket APIs': { service: 'apigateway', path: '/v2/apis' },
  queues: { service: 'sqs', action: 'ListQueues' },
  schedules: { service: 'events', target: 'AWSEvents.ListRules' },
  'log groups': { service: 'logs', target: 'Logs_20140328.DescribeLogGroups' },
  roles: { service: 'iam', action: 'ListRoles' },
} as const satisfies Readonly<Record<string, Question>>

export type Kind = keyof typeof QUESTIONS

export async function inventory(endpoint: string, prefix: string): Promise<Readonly<Record<Kind, string[]>>> {
  const kinds = Object.entries(QUESTIONS).map(async ([kind, question]) => {
    const said = await answer(endpoint, question)
    return [kind, [...new Set(said.match(new RegExp(`${prefix}[\\w-]+`, 'g')))].sort()] as const
  })
  return Object.fromEntries(await Promise.all(kinds)) as Record<Kind, string[]>
}

/** Returns the status of every stack, including that of the bootstrap. */
export async function stackStatuses(endpoint: string): Promise<string[]> {
  const said = await answer(endpoint, QUESTIONS.stacks)
  return [...said.matchAll(/<StackStatus>(\w+)</g)].map(([, status]) => status!)
}

async function answer(endpoint: string, { service, path = '/', target, action }: Question): Promise<string> {
  const { region } = connection(endpoint)
  const credential = `local/20260101/${region}/${service}/aws4_request`
  const response = await fetch(`${endpoint}${path}`, {
    headers: {
      authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=none`,
      ...(target && { 'x-amz-target': target, 'content-type': 'application/x-amz-json-1.1' }),
      ...(action && { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    ...(target && { method: 'POST', body: '{}' }),
    ...(action && { method: 'POST', body: `Action=${action}` }),
  })
  return response.text()
}
