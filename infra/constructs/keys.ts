import { Validations } from 'aws-cdk-lib'
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { Construct } from 'constructs'
import { type Config, placesOf } from '../config.ts'
import { keyName } from '../key-names.ts'
import { removalOf } from './removal.ts'

/** Letters and digits: 43 of them hold 256 bits. */
const LENGTH = 43

/** As policies name it. Secrets Manager puts six characters of its own behind the name. */
export const policyArnOf = (secret: ISecret): string => secret.secretFullArn ?? `${secret.secretArn}-??????`

/**
 * The two secrets of a system. Secrets Manager makes them up itself, so that no template, log or machine of a developer
 * ever has them; functions and nodes derive their keys from the text (shared/secrets.ts). Where a second region was promoted they
 * are there already.
 */
export class Keys extends Construct {
  /** Signs tickets. Only INDEX reads it: nodes get the public part from `GET /v1/bootstrap`. */
  readonly ticket: ISecret
  /** Shared by nodes and the functions of the gateway. */
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
