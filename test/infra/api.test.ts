import { expect, test } from 'vitest'
import { FUNCTIONS, type FunctionDescription } from '../../infra/functions.ts'
import { REST_ROUTES } from '../../infra/rest-routes.ts'
import { ERRORS } from '../../shared/errors.ts'
import { TABLES, type Table, type TableName } from '../../shared/store/tables.ts'
import { inventoryOf } from './inventory.ts'
import { type Resource, resourcesOf, systemUnderTest } from './system-under-test.ts'

const { api } = systemUnderTest()
const functions = resourcesOf(api, 'AWS::Lambda::Function')
const described = Object.entries(FUNCTIONS) as [string, FunctionDescription][]
const functionNamed = (name: string) =>
  functions.find(({ Properties }) => Properties.FunctionName === `straightway-test-${name}`)!.Properties

test('every function runs Node 24 on arm64, is traced if the configuration says so, logs as JSON to a log that ends', () => {
  expect(functions).toHaveLength(described.length)
  for (const { Properties } of functions) {
    expect(Properties.Runtime).toBe('nodejs24.x')
    expect(Properties.Architectures).toEqual(['arm64'])
    expect(Properties.TracingConfig).toBeUndefined()
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
  for (const [name, { reads = [], writes = [], creates = [] }] of described) {
    const allowed = statementsOf(name).filter(({ Action }) =>
      /"dynamodb:(Get|Put)Item"/.test(JSON.stringify(Action)),
    )
    const named = (statements: typeof allowed) =>
      Object.values(TABLES as Record<string, Table>)
        .map(({ name: table }) => table)
        .filter((table) => JSON.stringify(statements).includes(`Tables${table}`))
        .sort()
    expect(named(allowed)).toEqual([...new Set([...reads, ...writes, ...creates])].sort())
    const writing = allowed.filter(({ Action }) => JSON.stringify(Action).includes('PutItem'))
    expect(named(writing)).toEqual([...writes, ...creates].sort())
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
  const routes = methods.filter((method) => method !== 'OPTIONS' && method !== 'ANY')
  expect(routes.sort()).toEqual(REST_ROUTES.map(({ method }) => method).sort())
})

test('HEAD, and what answers 405, reach the function at every path; another path is 404 as problem details', () => {
  const paths = new Set(REST_ROUTES.map(({ path }) => path))
  const methods = resourcesOf(api, 'AWS::ApiGateway::Method').map(({ Properties }) => Properties)
  const any = methods.filter(({ HttpMethod }) => HttpMethod === 'ANY')
  expect(any).toHaveLength(paths.size)
  expect(new Set(any.map(({ ResourceId }) => JSON.stringify(ResourceId))).size).toBe(paths.size)
  for (const { Integration } of any) expect(Integration.Type).toBe('AWS_PROXY')
  const [response] = resourcesOf(api, 'AWS::ApiGateway::GatewayResponse').map(({ Properties }) => Properties)
  expect(response).toMatchObject({ ResponseType: 'MISSING_AUTHENTICATION_TOKEN', StatusCode: '404' })
  const body = JSON.parse(response!.ResponseTemplates['application/json'])
  expect(body).toMatchObject({ status: 404, code: 'not-found', title: ERRORS['not-found'].title })
})

test('a rate holds for all, the open share of it for what may be posted without a credential', () => {
  const ratesOf = (openShare: number) =>
    rates(systemUnderTest({ api: { requestsPerSecond: 500, openShare } }).api)
  expect(ratesOf(0.1)).toEqual({ '/*': 500, '/~1v1~1enrolments': 50, '/~1v1~1tickets': 50 })
  expect(ratesOf(1)).toEqual({ '/*': 500, '/~1v1~1enrolments': 500, '/~1v1~1tickets': 500 })
})

test('by default ten thousand peers that join for the first time are let in within a quarter of a minute', () => {
  expect(rates(api)['/~1v1~1tickets']).toBeGreaterThanOrEqual(10_000 / 15)
})

test('what API Gateway refuses because of its rate is counted, and what a function or the WAF refuses is not', () => {
  const filters = resourcesOf(api, 'AWS::Logs::MetricFilter').map(({ Properties }) => Properties)
  expect(filters.map(({ FilterPattern }) => FilterPattern).sort()).toEqual([
    '{ $.refused = "THROTTLED" || $.status = "429" }',
    '{ $.refused = "THROTTLED" }',
  ])
  const formats = [
    ...resourcesOf(api, 'AWS::ApiGateway::Stage').map(({ Properties }) => Properties.AccessLogSetting.Format),
    ...resourcesOf(api, 'AWS::ApiGatewayV2::Stage').map(
      ({ Properties }) => Properties.AccessLogSettings.Format,
    ),
  ]
  for (const format of formats)
    expect(JSON.parse(format)).toMatchObject({ system: 'test', refused: '$context.error.responseType' })
})

function rates(stack: typeof api): Record<string, number> {
  const [stage] = resourcesOf(stack, 'AWS::ApiGateway::Stage')
  const settings = stage!.Properties.MethodSettings as { ResourcePath: string; ThrottlingRateLimit: number }[]
  return Object.fromEntries(settings.map((each) => [each.ResourcePath, each.ThrottlingRateLimit]))
}

test('a WAF stands before the stage where the configuration has one', () => {
  expect(resourcesOf(api, 'AWS::WAFv2::WebACLAssociation')).toHaveLength(1)
  const { api: without } = systemUnderTest({ api: { waf: false } })
  expect(resourcesOf(without, 'AWS::WAFv2::WebACL')).toHaveLength(0)
})

test('what is described to run by the clock does, and nothing else', () => {
  const rules = resourcesOf(api, 'AWS::Events::Rule').map(({ Properties }) => Properties.ScheduleExpression)
  const every = described.flatMap(([, description]) => description.every ?? [])
  expect(every).toContain('minute')
  expect(rules).toEqual(every.map((rate) => `rate(1 ${rate})`))
})

test('the stack holds what its inventory lists', async () => {
  await expect(inventoryOf(api)).toMatchFileSnapshot('inventory/api.txt')
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
