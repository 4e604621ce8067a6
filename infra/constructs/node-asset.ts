import { AssetHashType, DockerImage } from 'aws-cdk-lib'
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Asset } from 'aws-cdk-lib/aws-s3-assets'
import { Construct } from 'constructs'
import { buildNodeAsset } from '../node-asset.ts'
import type { UnitOptions } from '../node-units.ts'
import type { AssetLocation } from './user-data.ts'

/** The files of an instance (infra/node-asset.ts), built at synthesis and stored in the CDK's bucket under their hash. */
export class NodeAsset extends Construct {
  readonly location: AssetLocation
  readonly #asset: Asset

  constructor(scope: Construct, id: string, options: Pick<UnitOptions, 'relay' | 'drainMinutes'>) {
    super(scope, id)
    this.#asset = new Asset(this, 'Files', {
      path: import.meta.dirname,
      assetHashType: AssetHashType.OUTPUT,
      bundling: {
        image: DockerImage.fromRegistry('unused'),
        // Distinguishes assets with different options: the CDK compares bundling options, but not the body of `tryBundle`.
        environment: { OPTIONS: JSON.stringify(options) },
        local: {
          tryBundle(out) {
            buildNodeAsset(out, options)
            return true
          },
        },
      },
    })
    this.location = { bucket: this.#asset.s3BucketName, key: this.#asset.s3ObjectKey }
  }

  /**
   * Grants reading this one object. `bucketKey`: ARN of the customer-managed KMS key that encrypts the bootstrap bucket;
   * default: none.
   */
  grantDownload({ grantPrincipal }: IGrantable, bucketKey?: string): void {
    const allow = (actions: string[], resources: string[]) =>
      grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ actions, resources }))
    allow(['s3:GetObject'], [this.#asset.bucket.arnForObjects(this.#asset.s3ObjectKey)])
    if (bucketKey !== undefined) allow(['kms:Decrypt'], [bucketKey])
  }
}
