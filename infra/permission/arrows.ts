/**
 * Every call between parts of a system: the caller, the action and the resource. Calls are read from the templates, and from
 * the descriptions of functions and nodes if only the code makes them.
 */
import { TABLES, type Table, type TableName } from '../../shared/store/tables.ts'
import type { FunctionDescription } from '../functions.ts'
import { FUNCTIONS } from '../functions.ts'
import { type Account, AUTOSCALING_ROLE } from './account.ts'
import type { Request } from './evaluate.ts'
import { instanceArrows } from './instance-arrows.ts'
import { ACCOUNT, type Resource } from './resolve.ts'

export interface Arrow extends Request {
  /** Names of the two ends, for people. */
  readonly from: string
  readonly to: string
}

/** All calls in an account, without duplicates. `prefix`: prefix of physical names. */
export function arrowsOf(account: Account, prefix: string): Arrow[] {
  return unique([
    ...account.all('AWS::Lambda::Function').flatMap((lambda) => ofFunction(account, prefix, lambda)),
    ...assumed(account),
    ...ofApis(account),
    ...account.all('AWS::Events::Rule').flatMap(ofRule),
    ...account.all('AWS::Lambda::EventSourceMapping').flatMap((mapping) => ofMapping(account, mapping)),
    ...account.all('AWS::CloudWatch::Alarm').flatMap(ofAlarm),
    ...account.all('AWS::AutoScaling::AutoScalingGroup').flatMap(ofGroup),
    ...account
      .all('AWS::EC2::LaunchTemplate')
      .flatMap((template) => instanceArrows(account, prefix, template)),
    ...ofLogs(account),
  ])
}

/** The requests that shared/store makes on items of the given tables. */
export function onTables(
  account: Account,
  prefix: string,
  { reads = [], writes = [], creates = [] }: Pick<FunctionDescription, 'reads' | 'writes' | 'creates'>,
): Pick<Arrow, 'to' | 'action' | 'resource'>[] {
  const arn = (name: TableName) =>
    account.all('AWS::DynamoDB::GlobalTable').find(({ properties }) => properties.TableName === prefix + name)
      ?.arn
  const on = (name: TableName, actions: readonly string[]) => {
    const table = arn(name)
    if (table === undefined) return []
    const { indexes = [] }: Table = TABLES[name]
    const asked = actions.map((action) => ({ to: name, action: `dynamodb:${action}`, resource: table }))
    const queried = indexes.map((index) => ({
      to: `${name}.${index.name}`,
      action: 'dynamodb:Query',
      resource: `${table}/index/${index.name}`,
    }))
    return [...asked, ...queried]
  }
  const added = creates.flatMap((name) => on(name, ['PutItem', 'ConditionCheckItem']))
  return [
    ...added.filter(({ action }) => action !== 'dynamodb:Query'),
    ...[...reads, ...writes].flatMap((name) => on(name, ['GetItem', 'BatchGetItem', 'Query'])),
    ...writes.flatMap((name) => on(name, ['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem'])),
  ]
}

/** ARN of a log stream in the given log group. */
export const streamIn = (logGroupArn: string): string => logGroupArn.replace(/(:\*)?$/, ':log-stream:one')

export const call = (
  from: string,
  principal: string,
  calls: readonly Pick<Arrow, 'to' | 'action' | 'resource'>[],
  context: Arrow['context'] = {},
): Arrow[] =>
  calls.map((each) => ({ from, principal, context: { 'aws:securetransport': 'true', ...context }, ...each }))

function ofFunction(account: Account, prefix: string, { properties }: Resource): Arrow[] {
  const { FunctionName, Role, LoggingConfig, Environment } = properties as {
    readonly FunctionName: string
    readonly Role: string
    readonly LoggingConfig: { readonly LogGroup: string }
    readonly Environment: { readonly Variables: Readonly<Record<string, string>> }
  }
  const name = FunctionName.slice(prefix.length)
  const { Variables } = Environment
  const description = (FUNCTIONS as Readonly<Record<string, FunctionDescription>>)[name.split('-')[0]!]
  const log = account
    .all('AWS::Logs::LogGroup')
    .find(({ arn }) => arn.includes(`:${LoggingConfig.LogGroup}:`))!
  const { TICKET_SECRET, FLEET_SECRET, SEED_SECRET } = Variables
  const secrets = [TICKET_SECRET, FLEET_SECRET, SEED_SECRET].filter((secret) => secret !== undefined)
  return call(name, Role, [
    { to: 'its log', action: 'logs:CreateLogStream', resource: streamIn(log.arn) },
    { to: 'its log', action: 'logs:PutLogEvents', resource: streamIn(log.arn) },
    ...(description ? onTables(account, prefix, description) : []),
    ...secrets.map((secret) => ({
      to: keyOf(secret),
      action: 'secretsmanager:GetSecretValue',
      resource: secretArn(secret),
    })),
    ...(description?.pushes ? pushes(account) : []),
    ...(description === undefined ? rotates(Variables) : []),
  ])
}

/** ARN of a secret. Adopted secrets are configured without the six characters that Secrets Manager appends to the name. */
export const secretArn = (told: string): string => (/-\w{6}$/.test(told) ? told : `${told}-AbCdEf`)

function keyOf(arn: string): string {
  if (/ticket-key/.test(arn)) return 'key of tickets'
  return /fleet-key/.test(arn) ? 'key of the fleet' : 'seed of the canary'
}

function pushes(account: Account) {
  const [stage] = account.all('AWS::ApiGatewayV2::Stage')
  if (stage === undefined) return []
  const { ApiId, StageName } = stage.properties
  const api = `arn:aws:execute-api:${stage.region}:${ACCOUNT}:${ApiId}/${StageName}`
  return ['POST', 'DELETE'].map((method) => ({
    to: 'connections',
    action: 'execute-api:ManageConnections',
    resource: `${api}/${method}/@connections/L0SM9cOFvHcCIhw=`,
  }))
}

function rotates({ SECRETS = '' }: Readonly<Record<string, string>>) {
  const actions = ['ListSecretVersionIds', 'DescribeSecret', 'PutSecretValue', 'UpdateSecretVersionStage']
  return [
    { to: 'random text', action: 'secretsmanager:GetRandomPassword', resource: '*' },
    ...SECRETS.split(',').flatMap((resource) =>
      actions.map((action) => ({
        to: keyOf(resource),
        action: `secretsmanager:${action}`,
        resource: secretArn(resource),
      })),
    ),
  ]
}

/** Calls in which a service assumes the role it works with. */
function assumed(account: Account): Arrow[] {
  const by = (type: string, property: string, service: string) =>
    account.all(type).flatMap(({ id, properties }) => {
      const resource = String(properties[property])
      return call(service, service, [{ to: `role of ${id}`, action: 'sts:AssumeRole', resource }])
    })
  return [
    ...by('AWS::Lambda::Function', 'Role', 'lambda.amazonaws.com'),
    ...by('AWS::ApiGateway::Account', 'CloudWatchRoleArn', 'apigateway.amazonaws.com'),
    ...by('AWS::EC2::FlowLog', 'DeliverLogsPermissionArn', 'vpc-flow-logs.amazonaws.com'),
  ]
}

const API_GATEWAY = 'apigateway.amazonaws.com'

function ofApis(account: Account): Arrow[] {
  const invoked = (uri: unknown) => String(uri).match(/arn:aws:lambda:[^/]+/)?.[0]
  const invoke = (api: Resource, where: string, uri: unknown): Arrow[] => {
    const resource = invoked(uri)
    if (resource === undefined) return []
    const source = `arn:aws:execute-api:${api.region}:${ACCOUNT}:${where}`
    const to = resource.split(':').at(-1)!
    return call(where, API_GATEWAY, [{ to, action: 'lambda:InvokeFunction', resource }], {
      'aws:sourcearn': source,
    })
  }
  const rest = account.all('AWS::ApiGateway::Method').flatMap((method) => {
    const { RestApiId, HttpMethod, Integration } = method.properties as Record<string, { Uri?: unknown }>
    return invoke(method, `${RestApiId}/index/${HttpMethod}/v1/path`, Integration?.Uri)
  })
  const integrations = new Map(account.all('AWS::ApiGatewayV2::Integration').map((each) => [each.id, each]))
  const socket = account.all('AWS::ApiGatewayV2::Route').flatMap((route) => {
    const { ApiId, RouteKey, Target } = route.properties
    const id = [...integrations.keys()].find((each) => String(Target).endsWith(each))
    return invoke(route, `${ApiId}/ws/${RouteKey}`, integrations.get(id ?? '')?.properties.IntegrationUri)
  })
  return [...rest, ...socket]
}

function unique(arrows: readonly Arrow[]): Arrow[] {
  const keyed = arrows.map((arrow) => [`${arrow.from} ${arrow.action} ${arrow.resource}`, arrow] as const)
  return [...new Map(keyed).values()]
}

function ofRule({ id, arn, properties }: Resource): Arrow[] {
  const targets = (properties.Targets ?? []) as readonly { readonly Arn: string }[]
  return targets.flatMap(({ Arn }) =>
    call(
      id,
      'events.amazonaws.com',
      [{ to: Arn.split(':').at(-1)!, action: 'lambda:InvokeFunction', resource: Arn }],
      { 'aws:sourcearn': arn },
    ),
  )
}

function ofMapping(account: Account, { properties }: Resource): Arrow[] {
  const { EventSourceArn, FunctionName, DestinationConfig } = properties as {
    readonly EventSourceArn: string
    readonly FunctionName: string
    readonly DestinationConfig: { readonly OnFailure: { readonly Destination: string } }
  }
  const lambda = account
    .all('AWS::Lambda::Function')
    .find((each) => [each.arn, each.properties.FunctionName].includes(FunctionName))!
  const table = EventSourceArn.match(/table\/([^/]+)/)?.[1]
  return call(FunctionName, String(lambda.properties.Role), [
    ...['DescribeStream', 'GetRecords', 'GetShardIterator'].map((action) => ({
      to: `stream of ${table}`,
      action: `dynamodb:${action}`,
      resource: EventSourceArn,
    })),
    {
      to: 'its queue of failures',
      action: 'sqs:SendMessage',
      resource: DestinationConfig.OnFailure.Destination,
    },
  ])
}

function ofAlarm({ arn, properties }: Resource): Arrow[] {
  const { AlarmActions = [], OKActions = [] } = properties as Readonly<Record<string, readonly string[]>>
  const context = { 'aws:sourcearn': arn, 'aws:sourceaccount': ACCOUNT }
  const topics = [...new Set([...AlarmActions, ...OKActions])].filter((action) =>
    action.startsWith('arn:aws:sns:'),
  )
  return topics.flatMap((resource) =>
    call(
      String(properties.AlarmName ?? 'alarm'),
      'cloudwatch.amazonaws.com',
      [{ to: 'operator', action: 'sns:Publish', resource }],
      context,
    ),
  )
}

function ofGroup({ id, properties }: Resource): Arrow[] {
  const notifications = (properties.NotificationConfigurations ?? []) as readonly {
    readonly TopicARN: string
  }[]
  return notifications.flatMap(({ TopicARN }) =>
    call(id, AUTOSCALING_ROLE, [{ to: 'operator', action: 'sns:Publish', resource: TopicARN }]),
  )
}

/** Calls that write logs: access logs of stages, and flow logs. */
function ofLogs(account: Account): Arrow[] {
  const [owner] = account.all('AWS::ApiGateway::Account')
  const write = (from: string, role: unknown, to: string, resource: unknown) =>
    call(
      from,
      String(role),
      ['CreateLogStream', 'PutLogEvents'].map((action) => ({
        to,
        action: `logs:${action}`,
        resource: streamIn(String(resource)),
      })),
    )
  const stages = [...account.all('AWS::ApiGateway::Stage'), ...account.all('AWS::ApiGatewayV2::Stage')]
  const access = owner
    ? stages.flatMap(({ id, properties }) => {
        const { DestinationArn } = (properties.AccessLogSetting ?? properties.AccessLogSettings) as {
          readonly DestinationArn: string
        }
        return write(id, owner.properties.CloudWatchRoleArn, 'access log', DestinationArn)
      })
    : []
  const flows = account.all('AWS::EC2::FlowLog').flatMap(({ id, properties }) => {
    const log = account
      .all('AWS::Logs::LogGroup')
      .find(({ arn }) => arn.includes(`:${properties.LogGroupName}:`))
    return write(id, properties.DeliverLogsPermissionArn, 'log of rejected packets', log?.arn)
  })
  return [...access, ...flows]
}
