import { UserData } from 'aws-cdk-lib/aws-ec2'
import { DIRECTORY } from '../node-asset.ts'
import { GIVE_UP } from '../node-units.ts'

export interface AssetLocation {
  readonly bucket: string
  readonly key: string
}

export interface NodeUserData {
  readonly asset: AssetLocation
  /** What the node is told, by the name of the variable; nothing of it is secret. */
  readonly told: Readonly<Record<string, string>>
  /** Variable to the command that prints it. */
  readonly found: Readonly<Record<string, string>>
  /** The autoscaling group of the instance, and its hook that waits until the node serves. */
  readonly group: string
  readonly hook: string
}

const PACKAGES = [
  'nodejs24',
  'nftables',
  'amazon-cloudwatch-agent',
  'logrotate',
  'unzip',
  'aws-cfn-bootstrap',
]
const IMDS = 'http://169.254.169.254/latest'

/** For the trap of a user data script, which knows how the script ended. */
export const GIVE_UP_IF_FAILED = `[ $exitCode -eq 0 ] || ${GIVE_UP} || true`

/**
 * What an instance does at its first start: installs what Amazon Linux has, writes down what its node is told and what it
 * finds out, downloads the asset and lets it install itself.
 */
export function nodeUserData({ asset, told, found, group, hook }: NodeUserData): UserData {
  const data = UserData.forLinux()
  const names = Object.keys(found)
  const lines = [
    ...Object.entries(told).map(([name, value]) => `${name}=${value}`),
    ...names.map((name) => `${name}=$${name}`),
  ]
  data.addCommands(
    'set -euo pipefail',
    `token=$(curl -sSf --retry 5 -X PUT -H 'x-aws-ec2-metadata-token-ttl-seconds: 300' ${IMDS}/api/token)`,
    `meta() { curl -sSf --retry 5 -H "x-aws-ec2-metadata-token: $token" ${IMDS}/meta-data/$1; }`,
    'INSTANCE_ID=$(meta instance-id)',
    'AWS_REGION=$(meta placement/region)',
    // Before anything that can fail for long: it is how the instance says so.
    `cat > ${GIVE_UP} <<END\n${giveUp(group, hook)}\nEND`,
    `chmod 0755 ${GIVE_UP}`,
    `dnf install -y -q ${PACKAGES.join(' ')}`,
    ...names.map((name) => `${name}=$(${found[name]})`),
    'install -d -m 0755 /etc/straightway',
    `cat > /etc/straightway/node.env <<END\n${lines.join('\n')}\nINSTANCE_ID=$INSTANCE_ID\nAWS_REGION=$AWS_REGION\nEND`,
    `aws s3 cp --quiet s3://${asset.bucket}/${asset.key} /tmp/straightway.zip`,
    `install -d -m 0755 ${DIRECTORY}`,
    `unzip -q -o /tmp/straightway.zip -d ${DIRECTORY}`,
    `bash ${DIRECTORY}/install.sh`,
  )
  return data
}

/** A launching instance is abandoned; one in service becomes unhealthy. In both cases the group starts another one. */
function giveUp(group: string, hook: string): string {
  const instance = '--region $AWS_REGION --instance-id $INSTANCE_ID'
  return `#!/bin/bash
# Tells the autoscaling group that this instance cannot serve, so that it is replaced.
aws autoscaling complete-lifecycle-action ${instance} --auto-scaling-group-name ${group} --lifecycle-hook-name ${hook} --lifecycle-action-result ABANDON 2>/dev/null ||
aws autoscaling set-instance-health ${instance} --health-status Unhealthy --no-should-respect-grace-period`
}
