/**
 * A stack as a list for reviewers: the logical id, type and important properties of each resource. Resources of types without
 * such properties are only counted.
 */
import type { Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import type { Resource } from './system-under-test.ts'

/** Paths of the important properties, by type. */
const MATTER: Readonly<Record<string, readonly string[]>> = {
  'AWS::ApiGateway::Account': [],
  'AWS::ApiGateway::DomainName': ['DomainName', 'SecurityPolicy'],
  'AWS::ApiGateway::RestApi': ['Name'],
  'AWS::ApiGateway::Stage': ['StageName', 'TracingEnabled'],
  'AWS::ApiGateway::UsagePlan': ['Throttle.RateLimit', 'Quota.Limit', 'Quota.Period'],
  'AWS::ApiGatewayV2::Api': ['Name', 'ProtocolType'],
  'AWS::ApiGatewayV2::Route': ['RouteKey', 'AuthorizationType'],
  'AWS::ApiGatewayV2::Stage': [
    'StageName',
    'DefaultRouteSettings.ThrottlingRateLimit',
    'DefaultRouteSettings.ThrottlingBurstLimit',
  ],
  'AWS::AutoScaling::AutoScalingGroup': ['AutoScalingGroupName', 'MinSize', 'MaxSize'],
  'AWS::AutoScaling::LifecycleHook': ['LifecycleHookName', 'LifecycleTransition', 'HeartbeatTimeout'],
  'AWS::AutoScaling::ScalingPolicy': ['PolicyType', 'TargetTrackingConfiguration.TargetValue'],
  'AWS::Budgets::Budget': ['Budget.BudgetName', 'Budget.BudgetLimit.Amount'],
  'AWS::CloudWatch::Alarm': ['AlarmName', 'ComparisonOperator', 'Threshold', 'EvaluationPeriods'],
  'AWS::CloudWatch::Dashboard': ['DashboardName'],
  'AWS::DynamoDB::GlobalTable': ['TableName'],
  'AWS::EC2::FlowLog': ['TrafficType'],
  'AWS::EC2::LaunchTemplate': ['LaunchTemplateName', 'LaunchTemplateData.InstanceType'],
  'AWS::EC2::SecurityGroup': ['GroupDescription'],
  'AWS::EC2::Subnet': ['MapPublicIpOnLaunch', 'AssignIpv6AddressOnCreation'],
  'AWS::EC2::VPC': ['CidrBlock'],
  'AWS::EC2::VPCEndpoint': ['VpcEndpointType'],
  'AWS::Events::Rule': ['ScheduleExpression'],
  'AWS::Lambda::EventSourceMapping': ['BatchSize', 'ParallelizationFactor', 'MaximumRetryAttempts'],
  'AWS::Lambda::Function': ['FunctionName', 'MemorySize', 'Timeout', 'ReservedConcurrentExecutions'],
  'AWS::Logs::LogGroup': ['LogGroupName', 'RetentionInDays'],
  'AWS::Logs::MetricFilter': ['FilterPattern'],
  'AWS::SNS::Subscription': ['Protocol', 'Endpoint'],
  'AWS::SNS::Topic': ['TopicName'],
  'AWS::SQS::Queue': ['QueueName', 'MessageRetentionPeriod'],
  'AWS::SSM::Parameter': ['Name'],
  'AWS::SecretsManager::Secret': ['Name'],
  'AWS::WAFv2::WebACL': ['Name'],
}

export function inventoryOf(stack: Stack): string {
  const { Resources = {} } = Template.fromStack(stack).toJSON() as { Resources?: Record<string, Resource> }
  const entries = Object.entries(Resources)
  const listed = entries.filter(([, { Type }]) => Type in MATTER).map(([id, resource]) => line(id, resource))
  const others = Map.groupBy(
    entries.filter(([, { Type }]) => !(Type in MATTER)),
    ([, { Type }]) => Type,
  )
  const counted = [...others].map(([type, { length }]) => `${short(type)} x ${length}`)
  return `${[...listed.sort(), '', ...counted.sort()].join('\n')}\n`
}

function line(id: string, { Type, Properties = {}, DeletionPolicy }: Resource): string {
  const values = MATTER[Type]!.map((path) => [path.split('.').at(-1), at(Properties, path)])
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const kept = DeletionPolicy === undefined || DeletionPolicy === 'Delete' ? [] : [`kept=${DeletionPolicy}`]
  return [short(Type), id, ...values, ...kept].join('  ')
}

const short = (type: string): string => type.replace(/^AWS::/, '').replace('::', ' ')

function at(properties: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], properties)
}
