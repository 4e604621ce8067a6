import { Validations } from 'aws-cdk-lib'
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { Construct } from 'constructs'
import { type Config, placesOf } from '../config.ts'
import { keyName } from '../key-names.ts'
import { removalOf } from './removal.ts'

/** Characters of a secret, each a letter or a digit: 43 hold 256 bits. */
const LENGTH = 43

/** The secret's ARN for a policy. If only the name is known, a wildcard stands for Secrets Manager's six random characters. */
export const policyArnOf = (secret: ISecret): string => secret.secretFullArn ?? `${secret.secretArn}-??????`

/**
 * The two secrets of a system. Secrets Manager generates them, so they appear in no template, no log and on no developer's
 * machine. Functions and nodes derive their keys from the text (shared/secrets.ts). With a second region the secrets are
 * replicated there; if that region has been promoted, the replicas are used instead of new secrets.
 */
export class Keys extends Construct {
  /** Key that signs tickets. Only INDEX reads it; nodes get the public key from `GET /v1/bootstrap`. */
  readonly ticket: ISecret
  /** Key shared by the nodes and the functions of the WebSocket API. */
  readonly fleet: ISecret

  constructor(scope: Construct, id: string, config: Pick<Config, 'name' | 'retain' | 'regions'>) {
    super(scope, id)
    this.ticket = this.#secret('Ticket', 'signs tickets', config)
    this.fleet = this.#secret('Fleet', 'shared by the nodes', config)
  }

  #secret(
    id: 'Ticket' | 'Fleet',
    what: string,
    config: Pick<Config, 'name' | 'retain' | 'regions'>,
  ): ISecret {
    const { second, adopted } = placesOf(config)
    if (adopted !== undefined) return Secret.fromSecretNameV2(this, id, keyName(config, id))
    const secret = new Secret(this, id, {
      secretName: keyName(config, id),
      ...(second && { replicaRegions: [{ region: second }] }),
      description: `Straightway: ${what}`,
      generateSecretString: { passwordLength: LENGTH, excludePunctuation: true },
      removalPolicy: removalOf(config),
    })
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'Rotated by functions/keys/rotate.ts in two steps a day apart, as a new key must be known everywhere before it signs; the built-in rotation runs all its steps at once.',
    })
    return secret as ISecret
  }
}
