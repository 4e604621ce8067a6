import { UserData } from 'aws-cdk-lib/aws-ec2'
import { DIRECTORY } from '../node-asset.ts'

export interface AssetLocation {
  readonly bucket: string
  readonly key: string
}

const PACKAGES = ['nodejs24', 'nftables', 'amazon-cloudwatch-agent', 'unzip', 'aws-cfn-bootstrap']
const IMDS = 'http://169.254.169.254/latest'

/**
 * What an instance does at its first start: installs what Amazon Linux has, writes down what its node is told and what it finds
 * out (nothing of it secret), downloads the asset and lets it install itself. `found`: variable to the command that prints it.
 */
export function nodeUserData(
  asset: AssetLocation,
  environment: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>> = {},
): UserData {
  const data = UserData.forLinux()
  const names = Object.keys(found)
  const lines = [
    ...Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    ...names.map((name) => `${name}=$${name}`),
  ]
  data.addCommands(
    'set -euo pipefail',
    `dnf install -y -q ${PACKAGES.join(' ')}`,
    `token=$(curl -sSf -X PUT -H 'x-aws-ec2-metadata-token-ttl-seconds: 300' ${IMDS}/api/token)`,
    `meta() { curl -sSf -H "x-aws-ec2-metadata-token: $token" ${IMDS}/meta-data/$1; }`,
    ...names.map((name) => `${name}=$(${found[name]})`),
    'install -d -m 0755 /etc/straightway /var/log/straightway',
    `cat > /etc/straightway/node.env <<END\n${lines.join('\n')}\nINSTANCE_ID=$(meta instance-id)\nAWS_REGION=$(meta placement/region)\nEND`,
    `aws s3 cp --quiet s3://${asset.bucket}/${asset.key} /tmp/straightway.zip`,
    `install -d -m 0755 ${DIRECTORY}`,
    `unzip -q -o /tmp/straightway.zip -d ${DIRECTORY}`,
    `bash ${DIRECTORY}/install.sh`,
  )
  return data
}
