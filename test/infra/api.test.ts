import { expect, test } from 'vitest'
import { ROUTES } from '../../functions/rest/routes.ts'
import { FUNCTIONS, type FunctionDescription } from '../../infra/functions.ts'
import { TABLES, type Table, type TableName } from '../../shared/store/tables.ts'
import { type Resource, resourcesOf, scrubbed, systemUnderTest } from './system-under-test.ts'

const { api } = systemUnderTest()
const functions = resourcesOf(api, 'AWS::Lambda::Function')
const described = Object.entries(FUNCTIONS) as [string, FunctionDescription][]
const functionNamed = (name: string) =>
  functions.find(({ Properties }) => Properties.FunctionName === `straightway-test-${name}`)!.Properties

test('every function runs Node 24 on arm64, is traced, logs as JSON to a log that ends', () => {
  expect(functions).toHaveLength(described.length)
  for (const { Properties } of functions) {
    expect(Properties.Runtime).toBe('nodejs24.x')
    expect(Properties.Architectures).toEqual(['arm64'])
    expect(Properties.TracingConfig).toEqual({ Mode: 'Active' })
    expect(Properties.LoggingConfig.LogFormat).toBe('JSON')
  }
  const logs = resourcesOf(api, 'AWS::Logs::LogGroup')
  for (const { Properties } of logs) expect(Properties.RetentionInDays).toBe(30)
  expect(logs.length).toBeGreaterThanOrEqual(functions.length)
})

test('what anybody can call is held to a number at once, what reads streams is not', () => {
  expect(functionNamed('rest').ReservedConcurrentExecutions).toBe(200)
  for (const name of ['connect', 'disconnect', 'message'])
    expect(functionNamed(name).ReservedConcurrentExecutions).toBe(50)
  expect(functionNamed('presence').ReservedConcurrentExecutions).toBeUndefined()
})

test('a function has what it was described to have of tables, and nothing of the others', () => {
  for (const [name, { reads = [], writes = [] }] of described) {
    const allowed = statementsOf(name).filter(({ Action }) =>
      /"dynamodb:(Get|Put)Item"/.test(JSON.stringify(Action)),
    )
    const named = (statements: typeof allowed) =>
      Object.values(TABLES as Record<string, Table>)
        .map(({ name: table }) => table)
        .filter((table) => JSON.stringify(statements).includes(`Tables${table}`))
        .sort()
    expect(named(allowed)).toEqual([...new Set([...reads, ...writes])].sort())
    const writing = allowed.filter(({ Action }) => JSON.stringify(Action).includes('PutItem'))
    expect(named(writing)).toEqual([...writes].sort())
  }
})

test('no function may do anything to everything', () => {
  for (const { Properties } of resourcesOf(api, 'AWS::IAM::Policy')) {
    for (const { Action, Resource: on } of Properties.PolicyDocument.Statement as Statement[]) {
      expect(JSON.stringify(Action)).not.toContain('*')
      if (on === '*') expect(Action).toEqual(['xray:PutTraceSegments', 'xray:PutTelemetryRecords'])
    }
  }
})

test('the keys of tickets are read by INDEX only, those of the fleet by the gateway only', () => {
  const readers = (key: string) =>
    described
      .map(([name]) => name)
      .filter((name) => JSON.stringify(statementsOf(name)).includes(`Keys${key}`))
  expect(readers('Ticket')).toEqual(['rest'])
  expect(readers('Fleet')).toEqual(['connect', 'disconnect', 'message'])
  for (const { Properties } of functions)
    expect(Object.keys(Properties.Environment.Variables)).not.toContain('TICKET_KEY')
})

test('a stream mapping bisects, reports single failures, retries a few times and then tells a queue', () => {
  const mappings = resourcesOf(api, 'AWS::Lambda::EventSourceMapping')
  expect(mappings).toHaveLength(described.flatMap(([, { streams = [] }]) => streams).length)
  for (const { Properties } of mappings) {
    expect(Properties).toMatchObject({
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      MaximumRetryAttempts: 8,
      MaximumRecordAgeInSeconds: 3600,
      StartingPosition: 'TRIM_HORIZON',
    })
    expect(Properties.DestinationConfig.OnFailure.Destination).toBeDefined()
  }
})

test('a stream has one reader, the one that its table names', () => {
  for (const [name, { stream }] of Object.entries(TABLES as Record<string, Table>)) {
    const readers = described.filter(([, { streams = [] }]) => streams.includes(name as TableName))
    expect(readers.map(([reader]) => reader)).toEqual(stream === undefined ? [] : [stream])
  }
})

test('the REST API has the routes of its description, an answer to browsers for each, and no other', () => {
  const methods = resourcesOf(api, 'AWS::ApiGateway::Method').map(({ Properties }) => Properties.HttpMethod)
  const routes = methods.filter((method) => method !== 'OPTIONS')
  expect(routes.sort()).toEqual(ROUTES.map(({ method }) => method).sort())
  expect(methods).not.toContain('ANY')
})

test('a rate holds for all, a tenth of it for what may be posted without a credential', () => {
  const [stage] = resourcesOf(api, 'AWS::ApiGateway::Stage')
  const settings = stage!.Properties.MethodSettings as { ResourcePath: string; ThrottlingRateLimit: number }[]
  const rates = Object.fromEntries(settings.map((each) => [each.ResourcePath, each.ThrottlingRateLimit]))
  expect(rates).toEqual({ '/*': 500, '/~1v1~1enrolments': 50, '/~1v1~1tickets': 50 })
})

test('a WAF stands before the stage where the configuration has one', () => {
  expect(resourcesOf(api, 'AWS::WAFv2::WebACLAssociation')).toHaveLength(1)
  const { api: without } = systemUnderTest({ api: { waf: false } })
  expect(resourcesOf(without, 'AWS::WAFv2::WebACL')).toHaveLength(0)
})

test('the reaper and the metrics of the fleet run every minute', () => {
  const rules = resourcesOf(api, 'AWS::Events::Rule').map(({ Properties }) => Properties.ScheduleExpression)
  expect(rules).toEqual(['rate(1 minute)', 'rate(1 minute)'])
})

test('the template is as it was', () => {
  expect(scrubbed(api)).toMatchSnapshot()
})

interface Statement {
  readonly Action: string | string[]
  readonly Resource: unknown
}

function statementsOf(name: string): Statement[] {
  const policies: Resource[] = resourcesOf(api, 'AWS::IAM::Policy')
  const own = policies.filter(({ Properties }) =>
    Properties.PolicyName.startsWith(`${name}RoleDefaultPolicy`),
  )
  return own.flatMap(({ Properties }) => Properties.PolicyDocument.Statement as Statement[])
}
