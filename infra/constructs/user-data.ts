import { UserData } from 'aws-cdk-lib/aws-ec2'
import { DIRECTORY } from '../node-asset.ts'
import { GIVE_UP } from '../node-units.ts'

export interface AssetLocation {
  readonly bucket: string
  readonly key: string
}

export interface NodeUserData {
  readonly asset: AssetLocation
  /** Environment variables of the node: name to value. None of them is secret. */
  readonly told: Readonly<Record<string, string>>
  /** Environment variables looked up by the instance: name to the shell command that prints the value. */
  readonly found: Readonly<Record<string, string>>
  /** Name of the instance's autoscaling group. */
  readonly group: string
  /** Name of the group's lifecycle hook that waits until the node serves. */
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

/** A line for the exit trap of a user data script, where `$exitCode` is set: gives the instance up if the script failed. */
export const GIVE_UP_IF_FAILED = `[ $exitCode -eq 0 ] || ${GIVE_UP} || true`

/**
 * The script that an instance runs at its first start. It installs packages of Amazon Linux, writes the node's environment
 * variables to `/etc/straightway/node.env`, downloads the asset, and runs the asset's `install.sh`.
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
    // Written before every step that can fail for long, because the instance reports a failure with this script.
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

/**
 * The script with which an instance gives itself up. A launching instance abandons its lifecycle hook; one in service marks
 * itself unhealthy. In both cases the group starts a replacement.
 */
function giveUp(group: string, hook: string): string {
  const instance = '--region $AWS_REGION --instance-id $INSTANCE_ID'
  return `#!/bin/bash
# Tells the autoscaling group that this instance cannot serve, so that it is replaced.
aws autoscaling complete-lifecycle-action ${instance} --auto-scaling-group-name ${group} --lifecycle-hook-name ${hook} --lifecycle-action-result ABANDON 2>/dev/null ||
aws autoscaling set-instance-health ${instance} --health-status Unhealthy --no-should-respect-grace-period`
}
