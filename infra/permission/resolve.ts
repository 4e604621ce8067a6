/**
 * Resolves references in templates to names and ARNs like those that CloudFormation would assign, as far as policies need
 * them: `Ref`, `Fn::GetAtt`, `Fn::Join`, `Fn::Sub`, `Fn::Select`, `Fn::Split`, `Fn::ImportValue`, and pseudo parameters.
 */
import type { Stack } from 'aws-cdk-lib'
import { Token } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { StraightwayError } from '../../shared/errors.ts'

export const ACCOUNT = '111122223333'
const ANYWHERE = 'us-east-1'

export interface Resource {
  readonly id: string
  readonly stack: string
  readonly region: string
  readonly type: string
  readonly arn: string
  readonly properties: Readonly<Record<string, unknown>>
}

interface Raw {
  readonly Type: string
  readonly Properties?: Readonly<Record<string, unknown>>
}
interface RawTemplate {
  readonly Resources?: Readonly<Record<string, Raw>>
  readonly Outputs?: Readonly<
    Record<string, { readonly Value: unknown; readonly Export?: { Name: unknown } }>
  >
}

interface Scope {
  readonly stack: string
  readonly region: string
  readonly template: RawTemplate
  readonly exports: ReadonlyMap<string, () => unknown>
}

/** Every resource of the stacks of one system, with its references resolved. */
export function resolved(stacks: readonly Stack[]): Resource[] {
  const exports = new Map<string, () => unknown>()
  const scopes = stacks.map((stack) => scopeOf(stack, exports))
  for (const scope of scopes) {
    for (const { Value, Export } of Object.values(scope.template.Outputs ?? {}))
      if (Export) exports.set(String(settled(Export.Name, scope)), () => settled(Value, scope))
  }
  return scopes.flatMap((scope) =>
    Object.entries(scope.template.Resources ?? {}).map(([id, { Type, Properties = {} }]) => ({
      id,
      stack: scope.stack,
      region: scope.region,
      type: Type,
      arn: arnOf(id, scope),
      properties: settled(Properties, scope) as Resource['properties'],
    })),
  )
}

function scopeOf(stack: Stack, exports: Scope['exports']): Scope {
  const template = Template.fromStack(stack).toJSON() as RawTemplate
  const region = Token.isUnresolved(stack.region) ? ANYWHERE : stack.region
  return { stack: stack.stackName, region, template, exports }
}

function settled(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) return value.map((each) => settled(each, scope))
  if (typeof value !== 'object' || value === null) return value
  const [[name, argument] = [], ...more] = Object.entries(value)
  const call = more.length === 0 && name !== undefined ? FUNCTIONS[name] : undefined
  if (call) return call(argument, scope)
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, settled(each, scope)]))
}

const FUNCTIONS: Readonly<Record<string, (argument: unknown, scope: Scope) => unknown>> = {
  Ref: (name, scope) => referenceTo(String(name), scope),
  'Fn::GetAtt': (argument, scope) => {
    const [id, attribute] = Array.isArray(argument) ? argument : String(argument).split('.')
    return attributeOf(String(id), String(attribute), scope)
  },
  'Fn::Join': (argument, scope) => {
    const [separator, parts] = argument as [string, unknown]
    return (settled(parts, scope) as unknown[]).map(String).join(separator)
  },
  'Fn::Select': (argument, scope) => {
    const [index, from] = argument as [number, unknown]
    return (settled(from, scope) as unknown[])[Number(index)]
  },
  'Fn::Split': (argument, scope) => {
    const [separator, text] = argument as [string, unknown]
    return String(settled(text, scope)).split(separator)
  },
  'Fn::Sub': (argument, scope) => {
    const text = Array.isArray(argument) ? argument[0] : argument
    return String(text).replaceAll(/\$\{([^}]+)\}/g, (_, name: string) => String(referenceTo(name, scope)))
  },
  'Fn::ImportValue': (argument, scope) => {
    const name = String(settled(argument, scope))
    const exported = scope.exports.get(name)
    if (exported === undefined) throw new StraightwayError('not-found', `No stack exports ${name}`)
    return exported()
  },
  'Fn::GetAZs': () => ['zone-a', 'zone-b', 'zone-c'],
  'Fn::Cidr': () => Array(8).fill('::/64'),
  'Fn::Base64': (argument, scope) => settled(argument, scope),
}

function referenceTo(name: string, scope: Scope): unknown {
  const pseudo: Readonly<Record<string, string>> = {
    'AWS::AccountId': ACCOUNT,
    'AWS::Region': scope.region,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::StackName': scope.stack,
    'AWS::StackId': `arn:aws:cloudformation:${scope.region}:${ACCOUNT}:stack/${scope.stack}/1`,
  }
  if (name in pseudo) return pseudo[name]
  const type = scope.template.Resources?.[name]?.Type
  if (type === undefined) return name
  return REFERS_BY_ARN.has(type) ? arnOf(name, scope) : nameOf(name, scope)
}

const REFERS_BY_ARN = new Set(['AWS::SNS::Topic', 'AWS::SecretsManager::Secret', 'AWS::IAM::ManagedPolicy'])

/** Value of `Fn::GetAtt`. An attribute that is not an ARN counts as a name: policies use no others. */
function attributeOf(id: string, attribute: string, scope: Scope): string {
  if (attribute === 'StreamArn') return `${arnOf(id, scope)}/stream/2026-11-01T00:00:00.000`
  return attribute.endsWith('Arn') || attribute === 'TopicArn' ? arnOf(id, scope) : nameOf(id, scope)
}

/** The property that holds the physical name, by resource type. If it is unset, the stack and logical id stand for the name. */
const NAMES: Readonly<Record<string, string>> = {
  'AWS::AutoScaling::AutoScalingGroup': 'AutoScalingGroupName',
  'AWS::CloudWatch::Alarm': 'AlarmName',
  'AWS::DynamoDB::GlobalTable': 'TableName',
  'AWS::Lambda::Function': 'FunctionName',
  'AWS::Logs::LogGroup': 'LogGroupName',
  'AWS::SecretsManager::Secret': 'Name',
  'AWS::SNS::Topic': 'TopicName',
  'AWS::SQS::Queue': 'QueueName',
  'AWS::SSM::Parameter': 'Name',
}

function nameOf(id: string, scope: Scope): string {
  const { Type, Properties = {} } = scope.template.Resources![id]!
  const name = Properties[NAMES[Type] ?? '']
  return name === undefined ? `${scope.stack}-${id}` : String(settled(name, scope))
}

function arnOf(id: string, scope: Scope): string {
  const type = scope.template.Resources![id]!.Type
  const name = nameOf(id, scope)
  const arn = (service: string, resource: string) =>
    `arn:aws:${service}:${scope.region}:${ACCOUNT}:${resource}`
  switch (type) {
    case 'AWS::AutoScaling::AutoScalingGroup':
      return arn('autoscaling', `autoScalingGroup:6f1c:autoScalingGroupName/${name}`)
    case 'AWS::CloudWatch::Alarm':
      return arn('cloudwatch', `alarm:${name}`)
    case 'AWS::DynamoDB::GlobalTable':
      return arn('dynamodb', `table/${name}`)
    case 'AWS::Events::Rule':
      return arn('events', `rule/${name}`)
    case 'AWS::IAM::Role':
      return `arn:aws:iam::${ACCOUNT}:role/${name}`
    case 'AWS::Lambda::Function':
      return arn('lambda', `function:${name}`)
    case 'AWS::Logs::LogGroup':
      return arn('logs', `log-group:${name}:*`)
    case 'AWS::SecretsManager::Secret':
      return arn('secretsmanager', `secret:${name}-AbCdEf`)
    case 'AWS::SNS::Topic':
      return arn('sns', name)
    case 'AWS::SQS::Queue':
      return arn('sqs', name)
    case 'AWS::SSM::Parameter':
      return arn('ssm', `parameter${name}`)
    default:
      return arn('other', name)
  }
}
