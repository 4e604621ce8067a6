/**
 * A system in two regions: what is in the home region, what is in the other, and that adding or removing a region replaces
 * nothing.
 */
import type { Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { expect, test } from 'vitest'
import { NODE_TABLES } from '../../infra/functions.ts'
import { stacksOf } from '../../infra/system.ts'
import { TABLES, type Table } from '../../shared/store/tables.ts'
import { inventoryOf } from './inventory.ts'
import { type Resource, resourcesOf, systemUnderTest } from './system-under-test.ts'

const HOME = 'eu-central-1'
const SECOND = 'us-east-1'
const one = systemUnderTest()
const two = systemUnderTest({ regions: { home: HOME, second: SECOND } })
const second = two.second!

test('each stack is in its region, and none of the second is there without one', () => {
  expect(stacksOf(two).map(({ stackName, region }) => [stackName, region])).toEqual([
    ['straightway-test-data', HOME],
    ['straightway-test-api', HOME],
    ['straightway-test-edge', HOME],
    ['straightway-test-watch', HOME],
    [`straightway-test-edge-${SECOND}`, SECOND],
    [`straightway-test-watch-${SECOND}`, SECOND],
  ])
  expect(one.second).toBeUndefined()
})

test('the checks of AwsSolutions find nothing that is not acknowledged', () => {
  expect(() => two.app.synth()).not.toThrow()
})

test('of what one region has nothing is replaced or removed', () => {
  const named = (stack: Stack) => {
    const { Resources } = Template.fromStack(stack).toJSON() as { Resources: Record<string, Resource> }
    return Object.entries(Resources).map(([id, { Type, Properties = {} }]) => {
      const names = Object.entries(Properties).filter(([name]) => /Name$|^KeySchema$/.test(name))
      return JSON.stringify([
        isOfContent(Type) ? Type : [id, Type],
        names.filter(([, name]) => !isMade(name)),
      ])
    })
  }
  for (const part of ['data', 'api', 'edge', 'watch'] as const)
    expect(named(two[part]!)).toEqual(expect.arrayContaining(named(one[part]!)))
})

test('a table has a replica in the second region unless nodes write it anew, protected as at home', () => {
  const tables = resourcesOf(two.data, 'AWS::DynamoDB::GlobalTable').map(({ Properties }) => Properties)
  for (const { name, passing } of Object.values(TABLES) as Table[]) {
    const table = tables.find(({ TableName }) => TableName === `straightway-test-${name}`)!
    const replicas = table.Replicas as { Region: string }[]
    expect(replicas.map(({ Region }) => Region).sort()).toEqual(passing ? [HOME] : [HOME, SECOND])
    for (const replica of replicas)
      expect(replica).toMatchObject({
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 35 },
      })
    expect(table.SSESpecification).toEqual({ SSEEnabled: true, SSEType: 'KMS' })
  }
  expect(
    Object.values(TABLES)
      .filter((table) => 'passing' in table)
      .map(({ name }) => name),
  ).toEqual([
    'IndexQueue',
    'Presence',
    'NetworkNodes',
    'Fleet',
    'Connections',
    'Deliveries',
    'TraversalHistory',
  ])
})

test('both keys are replicated', () => {
  for (const { Properties } of resourcesOf(two.data, 'AWS::SecretsManager::Secret'))
    expect(Properties.ReplicaRegions).toEqual([{ Region: SECOND }])
})

test('nodes there are told where home is, and look up where its APIs are', () => {
  for (const { Properties } of resourcesOf(second.edge, 'AWS::EC2::LaunchTemplate')) {
    const script = JSON.stringify(Properties.LaunchTemplateData.UserData)
    expect(script).toContain(`HOME_REGION=${HOME}`)
    expect(script).toContain('FLEET_SECRET=straightway-test-fleet-key')
    for (const [variable, parameter] of [
      ['INDEX_URL', '/straightway-test/index-url'],
      ['GATEWAY_URL', '/straightway-test/gateway-url'],
    ]) {
      expect(script).toContain(
        `${variable}=$(aws ssm get-parameter --region ${HOME} --name ${parameter} --query Parameter.Value --output text)`,
      )
      expect(script).toContain(`${variable}=$${variable}`)
    }
  }
  const announced = resourcesOf(two.api, 'AWS::SSM::Parameter').map(({ Properties }) => Properties.Name)
  expect(announced.sort()).toEqual(['/straightway-test/gateway-url', '/straightway-test/index-url'])
})

test('nodes there may use the tables that nodes use, at home, and the key of the fleet, and nothing else of either', () => {
  for (const group of ['nodesRole', 'relaysRole']) {
    const allowed = statementsOf(second.edge, group)
    const tables = allowed.filter(({ Action }) => JSON.stringify(Action).includes('dynamodb:'))
    const named = new Set(JSON.stringify(tables).match(/straightway-test-\w+/g))
    const used = [...NODE_TABLES.reads, ...NODE_TABLES.writes].map((name) => `straightway-test-${name}`)
    expect(named).toEqual(new Set(used))
    expect(JSON.stringify(tables)).toContain(`:dynamodb:${HOME}:`)
    const secrets = allowed.filter(({ Action }) => JSON.stringify(Action).includes('secretsmanager:'))
    expect(secrets).toHaveLength(1)
    expect(JSON.stringify(secrets[0]!.Resource)).toContain(`:secretsmanager:${HOME}:`)
    expect(JSON.stringify(secrets[0]!.Resource)).toContain('secret:straightway-test-fleet-key-??????')
  }
})

test('groups there scale on the load of their own nodes, told in their own region', () => {
  const [metrics] = resourcesOf(second.edge, 'AWS::Lambda::Function').map(({ Properties }) => Properties)
  expect(metrics!.Environment.Variables).toMatchObject({ REGION: SECOND, HOME_REGION: HOME, SYSTEM: 'test' })
  const [atHome] = resourcesOf(two.api, 'AWS::Lambda::Function').filter(
    ({ Properties }) => Properties.FunctionName === 'straightway-test-fleetMetrics',
  )
  expect(atHome!.Properties.Environment.Variables.REGION).toBe(HOME)
  expect(resourcesOf(second.edge, 'AWS::AutoScaling::ScalingPolicy')).toHaveLength(4)
})

test('the rotation changes keys at home, and may touch no group of either region: nodes read keys again', () => {
  const [rotation] = resourcesOf(two.edge!, 'AWS::Lambda::Function').map(({ Properties }) => Properties)
  const { SECRETS, KEY_DAYS } = rotation!.Environment.Variables
  expect(JSON.stringify(SECRETS)).toContain('KeysFleet')
  expect(KEY_DAYS).toBe('90')
  const services = statementsOf(two.edge!, 'KeysrotationRole').flatMap(({ Action }) =>
    [Action].flat().map((action) => String(action).split(':')[0]),
  )
  expect([...new Set(services)].sort()).toEqual(['logs', 'secretsmanager'])
})

test('its alarms are those of machines and tunnels, beside its metrics, and tell the same address', () => {
  const names = (stack: Stack) =>
    resourcesOf(stack, 'AWS::CloudWatch::Alarm').map(({ Properties }) => Properties.AlarmName as string)
  expect(names(second.watch)).toEqual(
    names(two.watch!).filter((name) => !/index-|gateway-|canary-|-late$|-gave-up$/.test(name)),
  )
  expect(names(second.watch).length).toBeGreaterThan(5)
  const [subscription] = resourcesOf(second.watch, 'AWS::SNS::Subscription')
  expect(subscription!.Properties.Endpoint).toBe('operator@example.com')
  const pages = [two.watch!, second.watch].flatMap((stack) =>
    resourcesOf(stack, 'AWS::CloudWatch::Dashboard'),
  )
  expect(pages.map(({ Properties }) => Properties.DashboardName)).toEqual([
    'straightway-test-system',
    `straightway-test-${SECOND}`,
  ])
})

test('the edge stack of the second region holds what its inventory lists', async () => {
  await expect(inventoryOf(second.edge)).toMatchFileSnapshot('inventory/second-edge.txt')
})

const STREAMED = (Object.values(TABLES) as Table[]).filter(({ stream, passing }) => stream && !passing)
const streams = STREAMED.map(
  ({ name }) => `arn:aws:dynamodb:${SECOND}:123456789012:table/straightway-test-${name}/stream/2026`,
)
const promoted = systemUnderTest({ regions: { home: HOME, second: SECOND, promoted: { streams } } })

test('promoted, the second region has all stacks, and nothing is left of home', () => {
  expect(stacksOf(promoted).map(({ stackName, region }) => [stackName, region])).toEqual([
    ['straightway-test-data', SECOND],
    ['straightway-test-api', SECOND],
    [`straightway-test-edge-${SECOND}`, SECOND],
    [`straightway-test-watch-${SECOND}`, SECOND],
  ])
  for (const stack of stacksOf(promoted))
    expect(JSON.stringify(Template.fromStack(stack).toJSON())).not.toContain(HOME)
  expect(() => promoted.app.synth()).not.toThrow()
})

test('promoted, it makes the tables that had no replica, adopts the others, and reads their streams', () => {
  const made = resourcesOf(promoted.data, 'AWS::DynamoDB::GlobalTable').map(
    ({ Properties }) => Properties.TableName,
  )
  const passing = (Object.values(TABLES) as Table[]).filter((table) => table.passing)
  expect(made).toEqual(passing.map(({ name }) => `straightway-test-${name}`))
  expect(resourcesOf(promoted.data, 'AWS::SecretsManager::Secret')).toEqual([])
  const mapped = resourcesOf(promoted.api, 'AWS::Lambda::EventSourceMapping').map(
    ({ Properties }) => Properties.EventSourceArn,
  )
  expect(mapped.filter((arn) => typeof arn === 'string').sort()).toEqual([...streams].sort())
  expect(mapped).toHaveLength(streams.length + passing.filter(({ stream }) => stream).length)
})

test('promoted, its machines and alarms are the same as before, told of another home', () => {
  const lasting = (stack: Stack) =>
    Object.entries(
      (Template.fromStack(stack).toJSON() as { Resources: Record<string, Resource> }).Resources,
    ).filter(([id]) => !/^fleetMetricssecond|^Metrics/.test(id))
  for (const [before, after] of [
    [second.edge, promoted.edge!],
    [second.watch, promoted.watch!],
  ] as const)
    expect(lasting(after).map(([id, { Type }]) => [id, Type])).toEqual(
      expect.arrayContaining(lasting(before).map(([id, { Type }]) => [id, Type])),
    )
  expect(resourcesOf(promoted.watch!, 'AWS::Budgets::Budget')).toEqual([])
})

test('promoted without a stream that is needed, it says which', () => {
  const some = { home: HOME, second: SECOND, promoted: { streams: streams.slice(1) } }
  expect(() => systemUnderTest({ regions: some })).toThrow(
    `no stream of straightway-test-${STREAMED[0]!.name}`,
  )
})

/** True if a type is named by a hash of its content. A change of a function then makes a new resource. */
const isOfContent = (type: string): boolean => type === 'AWS::ApiGateway::Deployment'
/** True if CloudFormation makes the name, from values that a template cannot know. */
const isMade = (name: unknown): boolean => typeof name !== 'string' && !Array.isArray(name)

interface Statement {
  readonly Action: string | string[]
  readonly Resource: unknown
}

function statementsOf(stack: Stack, role: string): Statement[] {
  return resourcesOf(stack, 'AWS::IAM::Policy')
    .filter(({ Properties }) => Properties.PolicyName.startsWith(`${role}DefaultPolicy`))
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement as Statement[])
}
