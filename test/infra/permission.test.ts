/** Permissions, evaluated over the synthesised policies as IAM does. */
import { App, Stack } from 'aws-cdk-lib'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { expect, test } from 'vitest'
import { architectureOf } from '../../infra/architecture.ts'
import { FUNCTIONS, type FunctionDescription, NODE_TABLES } from '../../infra/functions.ts'
import { Account } from '../../infra/permission/account.ts'
import { arrowsOf } from '../../infra/permission/arrows.ts'
import { type Statement, verdictOn } from '../../infra/permission/evaluate.ts'
import { ACCOUNT, resolved } from '../../infra/permission/resolve.ts'
import { judge } from '../../infra/permissions.ts'
import { stacksOf } from '../../infra/system.ts'
import { TABLES, type TableName } from '../../shared/store/tables.ts'
import { CONFIGURATIONS, configured } from './configurations.ts'

const account = new Account(resolved(stacksOf(configured('prod'))))
const secure = { 'aws:securetransport': 'true' }
const roleOf = (name: string) =>
  String(
    account
      .all('AWS::Lambda::Function')
      .find(({ properties }) => properties.FunctionName === `straightway-test-${name}`)!.properties.Role,
  )
const tableArn = (name: string) =>
  account
    .all('AWS::DynamoDB::GlobalTable')
    .find(({ properties }) => properties.TableName === `straightway-test-${name}`)!.arn
const may = (principal: string, action: string, resource: string, context = secure) =>
  account.decide({ principal, action, resource, context })

test.each(CONFIGURATIONS)('%s: every call between its parts is allowed', (name) => {
  const judged = judge(configured(name), { name: 'test' })
  expect(judged.length).toBeGreaterThan(300)
  const refused = judged.filter(({ verdict }) => verdict !== 'allowed')
  expect(refused.map(({ from, action, to, verdict }) => `${from} ${action} ${to}: ${verdict}`)).toEqual([])
})

test('every arrow of the picture is among the calls', () => {
  const { arrows, functions } = architectureOf(configured('prod'))
  const titleOf = (id: string) => functions.find((box) => box.id === id)?.title
  const calls = arrowsOf(account, 'straightway-test-')
  const services: Record<string, string> = {
    apigateway: 'apigateway.amazonaws.com',
    websocket: 'apigateway.amazonaws.com',
    events: 'events.amazonaws.com',
  }
  expect(arrows.length).toBeGreaterThan(10)
  for (const { from, to, kind } of arrows) {
    const lambda = `straightway-test-${titleOf(to)}`
    const found =
      kind === 'stream'
        ? calls.some((call) => call.from === lambda && call.to === `stream of straightway-test-${from}`)
        : calls.some((call) => call.principal === services[from] && call.to === lambda)
    expect(found, `${from} to ${titleOf(to)}`).toBe(true)
  }
})

test('an alarm cannot publish to a topic whose policy only denies, which is what enforceSSL alone makes', () => {
  const stack = new Stack(new App(), 'Careless')
  new Topic(stack, 'Topic', { topicName: 'careless', enforceSSL: true })
  const careless = new Account(resolved([stack]))
  const alarm = `arn:aws:cloudwatch:us-east-1:${ACCOUNT}:alarm:any`
  const publish = {
    principal: 'cloudwatch.amazonaws.com',
    action: 'sns:Publish',
    resource: `arn:aws:sns:us-east-1:${ACCOUNT}:careless`,
    context: { ...secure, 'aws:sourcearn': alarm, 'aws:sourceaccount': ACCOUNT },
  }
  expect(careless.decide(publish)).toBe('not allowed')
})

test.each(
  CONFIGURATIONS,
)('%s: every topic lets the alarms of this account publish, over TLS only', (name) => {
  const system = new Account(resolved(stacksOf(configured(name))))
  const topics = system.all('AWS::SNS::Topic')
  expect(topics.length).toBeGreaterThan(1)
  for (const { arn, region } of topics) {
    const publish = (owner: string, overTls: string) =>
      system.decide({
        principal: 'cloudwatch.amazonaws.com',
        action: 'sns:Publish',
        resource: arn,
        context: {
          'aws:securetransport': overTls,
          'aws:sourceaccount': owner,
          'aws:sourcearn': `arn:aws:cloudwatch:${region}:${owner}:alarm:any`,
        },
      })
    expect(publish(ACCOUNT, 'true')).toBe('allowed')
    expect(publish(ACCOUNT, 'false')).toBe('denied')
    expect(publish('999999999999', 'true')).toBe('not allowed')
  }
})

test('a function may touch the tables of its description and no other', () => {
  for (const [name, description] of Object.entries(FUNCTIONS as Record<string, FunctionDescription>)) {
    const { reads = [], writes = [], creates = [] } = description
    for (const table of Object.keys(TABLES) as TableName[]) {
      const reading = [...reads, ...writes].includes(table) ? 'allowed' : 'not allowed'
      const writing = writes.includes(table) ? 'allowed' : 'not allowed'
      expect(may(roleOf(name), 'dynamodb:GetItem', tableArn(table)), `${name} reads ${table}`).toBe(reading)
      const adding = creates.includes(table) ? 'allowed' : writing
      expect(may(roleOf(name), 'dynamodb:PutItem', tableArn(table)), `${name} adds to ${table}`).toBe(adding)
      for (const action of ['UpdateItem', 'DeleteItem'])
        expect(may(roleOf(name), `dynamodb:${action}`, tableArn(table)), `${name} ${action} ${table}`).toBe(
          writing,
        )
      expect(may(roleOf(name), 'dynamodb:Scan', tableArn(table)), `${name} lists ${table}`).toBe(reading)
    }
  }
})

test('a node may touch the tables of nodes and the key of the fleet, and neither others nor the key of tickets', () => {
  const node = arrowsOf(account, 'straightway-test-').find(
    ({ from }) => from === 'straightway-test-nodes',
  )!.principal
  for (const table of Object.keys(TABLES) as TableName[]) {
    const writes = NODE_TABLES.writes.includes(table)
    const reads = writes || NODE_TABLES.reads.includes(table)
    expect(may(node, 'dynamodb:GetItem', tableArn(table)), table).toBe(reads ? 'allowed' : 'not allowed')
    expect(may(node, 'dynamodb:PutItem', tableArn(table)), table).toBe(writes ? 'allowed' : 'not allowed')
  }
  for (const { arn, properties } of account.all('AWS::SecretsManager::Secret')) {
    const own = properties.Name === 'straightway-test-fleet-key'
    expect(may(node, 'secretsmanager:GetSecretValue', arn)).toBe(own ? 'allowed' : 'not allowed')
    expect(may(node, 'secretsmanager:PutSecretValue', arn)).toBe('not allowed')
  }
  const metrics = (namespace: string) =>
    may(node, 'cloudwatch:PutMetricData', '*', { ...secure, 'cloudwatch:namespace': namespace } as never)
  expect(metrics('Straightway')).toBe('allowed')
  expect(metrics('Another')).toBe('not allowed')
})

const ROLE = `arn:aws:iam::${ACCOUNT}:role/one`
const request = { principal: ROLE, action: 'sqs:SendMessage', resource: 'arn:aws:sqs:x:1:queue', context: {} }
const allow: Statement = { Effect: 'Allow', Action: 'sqs:*', Resource: '*' }

test.each<[string, Statement[], Statement[], string]>([
  ['nothing', [], [], 'not allowed'],
  ['an Allow of the role', [allow], [], 'allowed'],
  ['an Allow of the resource for the role', [], [{ ...allow, Principal: { AWS: ROLE } }], 'allowed'],
  ['an Allow of the resource for another', [], [{ ...allow, Principal: { AWS: 'other' } }], 'not allowed'],
  ['a Deny of the resource for everybody', [allow], [{ ...allow, Effect: 'Deny', Principal: '*' }], 'denied'],
  ['an Allow of another action', [{ ...allow, Action: 'sqs:Receive*' }], [], 'not allowed'],
  ['an Allow of another resource', [{ ...allow, Resource: 'arn:aws:sqs:x:1:queu?e' }], [], 'not allowed'],
  [
    'a condition on a key that the request lacks',
    [{ ...allow, Condition: { StringEquals: { k: 'v' } } }],
    [],
    'not allowed',
  ],
])('with %s a role is judged as IAM judges it', (_, identity, resource, verdict) => {
  expect(verdictOn(request, { identity, resource })).toBe(verdict)
})
