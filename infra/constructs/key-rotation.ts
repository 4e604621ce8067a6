import { Construct } from 'constructs'
import type { Config } from '../config.ts'
import { KEY_ROTATION } from '../functions.ts'
import { type Keys, policyArnOf } from './keys.ts'
import { Lambda } from './lambda.ts'
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
}

/** A daily function that replaces the ticket key and the fleet key after `keyDays` days (functions/keys/rotate.ts). */
export class KeyRotation extends Construct {
  constructor(scope: Construct, id: string, { config, keys }: KeyRotationProps) {
    super(scope, id)
    const secrets = [keys.ticket, keys.fleet]
    const lambda = new Lambda(this, 'rotation', {
      config,
      description: KEY_ROTATION,
      environment: {
        SECRETS: secrets.map(({ secretArn }) => secretArn).join(','),
        KEY_DAYS: String(config.keyDays),
      },
    })
    lambda.allow(
      SECRET_ACTIONS.map((action) => `secretsmanager:${action}`),
      secrets.map(policyArnOf),
    )
    lambda.allow(['secretsmanager:GetRandomPassword'], ['*'])
    new ScheduledCall(this, 'Daily', { every: 'day', target: lambda.function })
  }
}
