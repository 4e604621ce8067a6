import { RemovalPolicy, Validations } from 'aws-cdk-lib'
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager'
import { Construct } from 'constructs'

/** Characters of the secret, each a letter or a digit: 43 hold 256 bits. */
const LENGTH = 43

/**
 * The secret from which the canary derives its two identities. It is deleted with its stack: another seed makes other peers,
 * which enrol themselves.
 */
export class Seed extends Construct {
  readonly secret: ISecret

  constructor(scope: Construct, id: string) {
    super(scope, id)
    const secret = new Secret(this, 'Secret', {
      description: 'Straightway: identities of the canary',
      generateSecretString: { passwordLength: LENGTH, excludePunctuation: true },
      removalPolicy: RemovalPolicy.DESTROY,
    })
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'It identifies two peers that see only each other, so an old one opens nothing.',
    })
    this.secret = secret as ISecret
  }
}
