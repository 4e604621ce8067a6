import { Stack, Validations } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import { type Config, placesOf } from '../config.ts'
import { KEY_ROTATION } from '../functions.ts'
import { type Keys, policyArnOf } from './keys.ts'
import { Lambda } from './lambda.ts'
import { groupArn, groupArnFinding } from './node-group.ts'
import { ScheduledCall } from './schedule.ts'

const SECRET_ACTIONS = [
  'DescribeSecret',
  'ListSecretVersionIds',
  'PutSecretValue',
  'UpdateSecretVersionStage',
]

export interface KeyRotationProps {
  readonly config: Config
  readonly keys: Keys
  /** Names of the groups whose nodes have to be told: the same in every region. */
  readonly groups: readonly string[]
}

/** Replaces the key of tickets and that of the fleet when they are old: functions/keys/rotate.ts says how. */
export class KeyRotation extends Construct {
  constructor(scope: Construct, id: string, { config, keys, groups }: KeyRotationProps) {
    super(scope, id)
    const { home, second } = placesOf(config)
    const regions = home && second ? [home, second] : undefined
    const secrets = [keys.ticket, keys.fleet]
    const lambda = new Lambda(this, 'rotation', {
      config,
      description: KEY_ROTATION,
      environment: {
        SECRETS: secrets.map(({ secretArn }) => secretArn).join(','),
        KEY_DAYS: String(config.keyDays),
        NODE_GROUPS: groups.join(','),
        ...(regions && { REGIONS: regions.join(',') }),
      },
    })
    lambda.allow(
      SECRET_ACTIONS.map((action) => `secretsmanager:${action}`),
      secrets.map(policyArnOf),
    )
    lambda.allow(['secretsmanager:GetRandomPassword'], ['*'])
    const places = groups.flatMap((name) =>
      (regions ?? [Stack.of(this).region]).map((region) => ({ name, region })),
    )
    lambda.allow(
      ['autoscaling:StartInstanceRefresh'],
      places.map(({ name, region }) => groupArn(this, name, region)),
    )
    for (const { name, region } of places) {
      Validations.of(lambda).acknowledge({
        id: `AwsSolutions-IAM5[Resource::${groupArnFinding(this, name, region)}]`,
        reason: 'The wildcard is an id that AWS gives the group; the name that follows is exact.',
      })
    }
    new ScheduledCall(this, 'Daily', 'day', lambda.function)
  }
}
