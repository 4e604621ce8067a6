/**
 * The templates under CloudFormation's rules in an empty account, after a failed deployment, after a destroyed one, next to
 * another environment, and in a second region.
 */
import type { Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { describe, expect, test } from 'vitest'
import { units } from '../../infra/node-units.ts'
import { stacksOf } from '../../infra/system.ts'
import { CONFIGURATIONS, configured } from './configurations.ts'
import { resourcesOf, systemUnderTest } from './system-under-test.ts'

interface Raw {
  readonly Type: string
  // biome-ignore lint/suspicious/noExplicitAny: templates are JSON of any shape
  readonly Properties?: any
  readonly DependsOn?: string | readonly string[]
  readonly DeletionPolicy?: string
  readonly UpdateReplacePolicy?: string
}
interface RawTemplate {
  readonly Resources?: Record<string, Raw>
}

const entriesOf = (stack: Stack): [string, Raw][] =>
  Object.entries((Template.fromStack(stack).toJSON() as RawTemplate).Resources ?? {})

/** Properties by which a template names a resource, instead of CloudFormation. */
const NAME =
  /^(TopicName|TableName|LogGroupName|FunctionName|QueueName|RoleName|BucketName|DashboardName|AlarmName|BudgetName|LaunchTemplateName|AutoScalingGroupName|Name)$/
/** Types whose names are labels and need not be unique. */
const LABELS = /^AWS::(ApiGateway|ApiGatewayV2|EC2::(?!LaunchTemplate))/

/** Returns a resource's own name. A name that refers to another resource does not count. */
const nameOf = ({ Type, Properties = {} }: Raw): string | undefined => {
  if (LABELS.test(Type)) return undefined
  const named = Object.entries({ ...Properties, ...Properties.Budget }).filter(([key]) => NAME.test(key))
  return named.map(([, name]) => name).find((name) => typeof name === 'string')
}

/** Types that `npm run adopt` imports into a new stack; README, "After a deployment that was destroyed". */
const ADOPTED = ['AWS::DynamoDB::GlobalTable', 'AWS::SecretsManager::Secret']
/** Resources of the account. They stay even if the deployment fails, because an account setting refers to them. */
const OF_THE_ACCOUNT = /^Account/

describe.each(CONFIGURATIONS)('%s', (name) => {
  const system = configured(name)
  const all = stacksOf(system).flatMap(entriesOf)

  test('every stage with access logs is made after the account has a role to write them', () => {
    const stages = stacksOf(system).flatMap((stack) =>
      entriesOf(stack)
        .filter(([, { Properties = {} }]) => Properties.AccessLogSetting ?? Properties.AccessLogSettings)
        .map(([id, stage]) => ({ id, stage, stack })),
    )
    expect(stages).toHaveLength(2)
    for (const { id, stage, stack } of stages) {
      const [account] = Object.keys(Template.fromStack(stack).findResources('AWS::ApiGateway::Account'))
      expect([stage.DependsOn].flat(), id).toContain(account)
    }
  })

  test('nothing that stays has a fixed name, except what is adopted', () => {
    const named = all.filter(
      ([, raw]) => /^Retain/.test(raw.DeletionPolicy ?? '') && nameOf(raw) !== undefined,
    )
    expect(named.filter(([, { Type }]) => !ADOPTED.includes(Type)).map(([id]) => id)).toEqual([])
  })

  test('what a failed first deployment made is deleted, so that the next one can make it', () => {
    const kept = all.filter(([, { DeletionPolicy }]) => DeletionPolicy === 'Retain').map(([id]) => id)
    expect(kept.filter((id) => !OF_THE_ACCOUNT.test(id))).toEqual([])
  })

  test('no two resources have one name', () => {
    for (const stack of stacksOf(system)) {
      const names = entriesOf(stack).flatMap(([, raw]) => {
        const given = nameOf(raw)
        return given === undefined ? [] : [`${raw.Type} ${given}`]
      })
      expect(names.length).toBe(new Set(names).size)
    }
  })

  test('every topic has a subscriber', () => {
    for (const stack of stacksOf(system)) {
      const topics = Object.keys(Template.fromStack(stack).findResources('AWS::SNS::Topic'))
      const subscribed = resourcesOf(stack, 'AWS::SNS::Subscription').map(
        ({ Properties }) => Properties.TopicArn.Ref,
      )
      expect(subscribed.sort()).toEqual(topics.sort())
    }
  })

  test('an instance is counted once its node serves, from the first one on, and is replaced if it never does', () => {
    const groups = all.filter(([, { Type }]) => Type === 'AWS::AutoScaling::AutoScalingGroup')
    expect(groups.length).toBeGreaterThan(1)
    for (const [, { Properties }] of groups)
      expect(Properties.LifecycleHookSpecificationList).toEqual([
        {
          LifecycleHookName: 'serve',
          LifecycleTransition: 'autoscaling:EC2_INSTANCE_LAUNCHING',
          HeartbeatTimeout: 600,
          DefaultResult: 'ABANDON',
        },
      ])
  })

  test('whatever of its start fails, the instance gives itself up after it has told CloudFormation', () => {
    const templates = all.filter(([, { Type }]) => Type === 'AWS::EC2::LaunchTemplate')
    for (const [, { Properties }] of templates) {
      const script = JSON.stringify(Properties.LaunchTemplateData.UserData)
      const [signal, give, hook, install] = [
        script.indexOf('cfn-signal'),
        script.indexOf('[ $exitCode -eq 0 ] || /usr/local/sbin/straightway-give-up'),
        script.indexOf('--lifecycle-action-result ABANDON'),
        script.indexOf('dnf install'),
      ]
      expect(signal).toBeGreaterThan(0)
      expect(give).toBeGreaterThan(signal)
      expect(hook).toBeGreaterThan(give)
      expect(install).toBeGreaterThan(hook)
    }
  })

  test('nodes are told an address of INDEX that works before the DNS record of the domain is made', () => {
    const scripts = all.filter(([, { Type }]) => Type === 'AWS::EC2::LaunchTemplate')
    for (const [, { Properties }] of scripts) {
      const script = JSON.stringify(Properties.LaunchTemplateData.UserData)
      expect(script).toContain('INDEX_URL=')
      expect(script).not.toContain('index.example.com')
    }
    for (const { Properties } of resourcesOf(system.api, 'AWS::SSM::Parameter'))
      expect(JSON.stringify(Properties.Value)).not.toContain('index.example.com')
  })
})

test('with a domain the target of its DNS record is an output', () => {
  const { Outputs } = Template.fromStack(configured('domain').api).toJSON() as { Outputs: object }
  expect(Outputs).toMatchObject({
    IndexUrl: { Value: 'https://index.example.com' },
    DomainTarget: { Value: { 'Fn::GetAtt': [expect.any(String), 'RegionalDomainName'] } },
    DomainTargetZone: { Value: { 'Fn::GetAtt': [expect.any(String), 'RegionalHostedZoneId'] } },
  })
})

test('two environments in one account and region have no name in common', () => {
  const namesIn = (name: string) =>
    stacksOf(systemUnderTest({ name })).flatMap((stack) => [
      stack.stackName,
      ...entriesOf(stack).flatMap(([, raw]) => nameOf(raw) ?? []),
    ])
  const [one, other] = [namesIn('one'), namesIn('other')]
  expect(one.length).toBeGreaterThan(50)
  expect(one.filter((name) => other.includes(name))).toEqual([])
})

test('the dashboards, budgets and roles of two regions, which belong to the whole account, have different names', () => {
  const types = /^AWS::(CloudWatch::Dashboard|Budgets::Budget|IAM::Role)$/
  const names = stacksOf(configured('two regions')).flatMap((stack) =>
    entriesOf(stack).flatMap(([, raw]) => (types.test(raw.Type) ? (nameOf(raw) ?? []) : [])),
  )
  expect(new Set(names).size).toBe(names.length)
})

test('an account whose role for access logs is there already gets no other', () => {
  const { api } = systemUnderTest({ api: { accountRole: 'exists' } })
  expect(resourcesOf(api, 'AWS::ApiGateway::Account')).toEqual([])
})

test('the rules of an organisation reach every role and every stack: boundary, tags, qualifier, the VPC of the team', () => {
  const system = configured('governed')
  for (const stack of stacksOf(system)) {
    for (const { Properties } of resourcesOf(stack, 'AWS::IAM::Role'))
      expect(Properties.PermissionsBoundary).toBe('arn:aws:iam::111122223333:policy/boundary')
    for (const { Properties } of resourcesOf(stack, 'AWS::Lambda::Function'))
      expect(Properties.Tags).toEqual(
        expect.arrayContaining([
          { Key: 'straightway', Value: 'test' },
          { Key: 'team', Value: 'games' },
        ]),
      )
    expect(JSON.stringify(Template.fromStack(stack).toJSON())).not.toContain('hnb659fds')
  }
  expect(resourcesOf(system.edge!, 'AWS::EC2::VPC')).toEqual([])
  for (const { Properties } of resourcesOf(system.edge!, 'AWS::AutoScaling::AutoScalingGroup'))
    expect(Properties.VPCZoneIdentifier).toEqual(['subnet-0a1b2c3d4e5f60718', 'subnet-0a1b2c3d4e5f60719'])
})

test('a new VPC has the range and zones of the configuration', () => {
  const { edge } = systemUnderTest({ network: { cidr: '10.7.0.0/16', zones: 3 } })
  const [vpc] = resourcesOf(edge!, 'AWS::EC2::VPC')
  expect(vpc!.Properties.CidrBlock).toBe('10.7.0.0/16')
})

test('only a relay may change what the kernel forwards', () => {
  const serviceOf = (relay: boolean) =>
    units({ directory: '/opt/straightway', node: '/usr/bin/node', relay, drainMinutes: 1 })[
      'straightway.service'
    ]!
  expect(serviceOf(false)).not.toMatch(/CAP_NET_ADMIN|AF_NETLINK/)
  expect(serviceOf(true)).toMatch(/^AmbientCapabilities=CAP_NET_BIND_SERVICE CAP_NET_ADMIN$/m)
  expect(serviceOf(true)).toMatch(/^RestrictAddressFamilies=.* AF_NETLINK$/m)
})
