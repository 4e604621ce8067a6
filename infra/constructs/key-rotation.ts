import { Validations } from 'aws-cdk-lib'
import { Construct } from 'constructs'
import type { Config } from '../config.ts'
import { KEY_ROTATION } from '../functions.ts'
import type { Keys } from './keys.ts'
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
  /** Names of the groups whose nodes have to be told. */
  readonly groups: readonly string[]
}

/** Replaces the key of tickets and that of the fleet when they are old: functions/keys/rotate.ts says how. */
export class KeyRotation extends Construct {
  constructor(scope: Construct, id: string, { config, keys, groups }: KeyRotationProps) {
    super(scope, id)
    const secrets = [keys.ticket.secretArn, keys.fleet.secretArn]
    const lambda = new Lambda(this, 'rotation', {
      config,
      description: KEY_ROTATION,
      environment: {
        SECRETS: secrets.join(','),
        KEY_DAYS: String(config.keyDays),
        NODE_GROUPS: groups.join(','),
      },
    })
    lambda.allow(
      SECRET_ACTIONS.map((action) => `secretsmanager:${action}`),
      secrets,
    )
    lambda.allow(['secretsmanager:GetRandomPassword'], ['*'])
    lambda.allow(
      ['autoscaling:StartInstanceRefresh'],
      groups.map((name) => groupArn(this, name)),
    )
    for (const name of groups) {
      Validations.of(lambda).acknowledge({
        id: `AwsSolutions-IAM5[Resource::${groupArnFinding(name)}]`,
        reason: 'The wildcard is an id that AWS gives the group; the name that follows is exact.',
      })
    }
    new ScheduledCall(this, 'Daily', 'day', lambda.function)
  }
}
