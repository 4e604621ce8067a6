/** The calls of an instance, read from its user data, which names the buckets, secrets and parameters that it uses. */
import { NODE_TABLES } from '../functions.ts'
import { NAMESPACE } from '../metrics.ts'
import type { Account } from './account.ts'
import { type Arrow, call, onTables, secretArn, streamIn } from './arrows.ts'
import { ACCOUNT, type Resource } from './resolve.ts'

export function instanceArrows(account: Account, prefix: string, template: Resource): Arrow[] {
  const { UserData, IamInstanceProfile } = template.properties.LaunchTemplateData as {
    readonly UserData: string
    readonly IamInstanceProfile: { readonly Arn: string }
  }
  const group = String(template.properties.LaunchTemplateName)
  const role = roleOf(account, template, IamInstanceProfile.Arn)
  const { region } = template
  const scaling = `arn:aws:autoscaling:${region}:${ACCOUNT}:autoScalingGroup:6f1c:autoScalingGroupName/${group}`
  const variable = (name: string) => UserData.match(new RegExp(`^${name}=(\\S+)$`, 'm'))?.[1] ?? ''
  const log = account
    .all('AWS::Logs::LogGroup')
    .find(({ arn }) => arn.includes(`:${variable('LOG_GROUP')}:`))!
  const calls: Pick<Arrow, 'to' | 'action' | 'resource'>[] = [
    ...['CompleteLifecycleAction', 'RecordLifecycleActionHeartbeat', 'SetInstanceHealth'].map((action) => ({
      to: 'its group',
      action: `autoscaling:${action}`,
      resource: scaling,
    })),
    ...['CreateLogStream', 'PutLogEvents'].map((action) => ({
      to: 'log of nodes',
      action: `logs:${action}`,
      resource: streamIn(log.arn),
    })),
    { to: 'tags of instances', action: 'ec2:DescribeTags', resource: '*' },
    { to: 'key of the fleet', action: 'secretsmanager:GetSecretValue', resource: secretOf(variable) },
    ...downloads(UserData),
    ...parameters(UserData),
    ...onTables(account, prefix, NODE_TABLES),
  ]
  return [
    ...call('ec2.amazonaws.com', 'ec2.amazonaws.com', [
      { to: `role of ${group}`, action: 'sts:AssumeRole', resource: role },
    ]),
    ...call(group, role, calls),
    ...call(group, role, [{ to: 'metrics', action: 'cloudwatch:PutMetricData', resource: '*' }], {
      'cloudwatch:namespace': NAMESPACE,
    }),
  ]
}

function roleOf(account: Account, { stack }: Resource, profile: string): string {
  const found = account
    .all('AWS::IAM::InstanceProfile')
    .find((each) => each.stack === stack && profile.endsWith(each.id))!
  const [name] = found.properties.Roles as readonly string[]
  return account.all('AWS::IAM::Role').find(({ arn }) => arn.endsWith(`/${name}`))!.arn
}

/** ARN of the fleet's secret. An instance in a second region is given the name and the region instead. */
function secretOf(variable: (name: string) => string): string {
  const secret = variable('FLEET_SECRET')
  if (secret.startsWith('arn:')) return secretArn(secret)
  return secretArn(`arn:aws:secretsmanager:${variable('HOME_REGION')}:${ACCOUNT}:secret:${secret}`)
}

function downloads(userData: string) {
  return [...userData.matchAll(/aws s3 cp .*?s3:\/\/(\S+)/g)].map(([, path]) => ({
    to: 'files of a node',
    action: 's3:GetObject',
    resource: `arn:aws:s3:::${path}`,
  }))
}

function parameters(userData: string) {
  return [...userData.matchAll(/get-parameter --region (\S+) --name (\S+)/g)].map(([, region, name]) => ({
    to: `parameter ${name}`,
    action: 'ssm:GetParameter',
    resource: `arn:aws:ssm:${region}:${ACCOUNT}:parameter${name}`,
  }))
}
