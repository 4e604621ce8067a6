import { RemovalPolicy, Validations } from 'aws-cdk-lib'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { Construct } from 'constructs'
import { type Config, prefixOf } from '../config.ts'

/** Letters and digits: 43 of them hold 256 bits. */
const LENGTH = 43

/** Of the secret: known before there is one, and in every region the same. */
export function keyName(config: Pick<Config, 'name'>, key: 'Ticket' | 'Fleet'): string {
  return `${prefixOf(config)}${key.toLowerCase()}-key`
}

/**
 * The two secrets of a system. Secrets Manager makes them up itself, so that no template, log or machine of a developer
 * ever has them; functions and nodes derive their keys from the text (shared/secrets.ts).
 */
export class Keys extends Construct {
  /** Signs tickets. Only INDEX reads it: nodes get the public part from `GET /v1/bootstrap`. */
  readonly ticket: Secret
  /** Shared by nodes and the functions of the gateway. */
  readonly fleet: Secret

  constructor(scope: Construct, id: string, config: Pick<Config, 'name' | 'retain' | 'regions'>) {
    super(scope, id)
    this.ticket = this.#secret('Ticket', 'signs tickets', config)
    this.fleet = this.#secret('Fleet', 'shared by the nodes', config)
  }

  #secret(id: 'Ticket' | 'Fleet', what: string, config: Pick<Config, 'name' | 'retain' | 'regions'>): Secret {
    const secret = new Secret(this, id, {
      secretName: keyName(config, id),
      ...(config.regions && { replicaRegions: [{ region: config.regions.second }] }),
      description: `Straightway: ${what}`,
      generateSecretString: { passwordLength: LENGTH, excludePunctuation: true },
      removalPolicy: config.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    })
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'Rotated by functions/keys/rotate.ts in two steps a day apart, as a new key must be known everywhere before it signs; the built-in rotation runs all its steps at once.',
    })
    return secret
  }
}
