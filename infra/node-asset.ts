/**
 * The files that an instance downloads and runs:
 *
 * - two bundles, and the native module they need, for both architectures of Linux
 * - systemd units, packet filter, and configuration of the CloudWatch agent
 * - the script that installs all of it
 *
 * The content is the version: other content makes another launch template, and the group replaces its instances.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { NATIVE, writeNode } from './bundles.ts'
import { copyNative } from './native-packages.ts'
import {
  AGENT_GROUP,
  LOG_DIRECTORY,
  LOG_FILE,
  LOG_ROTATION,
  packetFilter,
  type UnitOptions,
  USER,
  units,
} from './node-units.ts'

/** Folder of the files on an instance. */
export const DIRECTORY = '/opt/straightway'
/** Node.js as packaged and patched by Amazon Linux. */
export const NODE = '/usr/bin/node-24'
const UDP_PORTS = [443, 3478, 3479, 3480, 3481, 3482]
/** TCP port of relays. Networks that drop UDP let this port through. */
export const RELAY_TCP_PORT = 443

export function buildNodeAsset(
  out: string,
  { relay, drainMinutes }: Pick<UnitOptions, 'relay' | 'drainMinutes'>,
): void {
  writeNode(out)
  copyNative(NATIVE, out)
  write(out, 'filter.nft', packetFilter({ udp: UDP_PORTS, tcp: relay ? [RELAY_TCP_PORT] : [] }))
  write(out, 'install.sh', INSTALL)
  write(out, 'logrotate.conf', LOG_ROTATION)
  write(out, 'cloudwatch.json', JSON.stringify(CLOUDWATCH_AGENT, null, 2))
  chmodSync(join(out, 'install.sh'), 0o755)
  const options = { directory: DIRECTORY, node: NODE, relay, drainMinutes }
  for (const [name, text] of Object.entries(units(options))) write(out, join('units', name), text)
}

function write(out: string, name: string, text: string): void {
  const file = join(out, name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

/** Configuration of the CloudWatch agent: it publishes the network card's counters of held-back packets, and the node's log. */
const CLOUDWATCH_AGENT = {
  // Without host names the metrics are those of a group, not five more for each machine.
  agent: { metrics_collection_interval: 60, omit_hostname: true, run_as_user: AGENT_GROUP },
  metrics: {
    namespace: 'Straightway',
    append_dimensions: { AutoScalingGroupName: `\${aws:AutoScalingGroupName}` },
    aggregation_dimensions: [['AutoScalingGroupName']],
    metrics_collected: {
      ethtool: {
        metrics_include: [
          'bw_in_allowance_exceeded',
          'bw_out_allowance_exceeded',
          'pps_allowance_exceeded',
          'conntrack_allowance_exceeded',
        ],
      },
      mem: { measurement: ['used_percent'] },
    },
  },
  logs: {
    logs_collected: {
      files: {
        collect_list: [
          {
            file_path: LOG_FILE,
            log_group_name: '@LOG_GROUP@',
            log_stream_name: '{instance_id}',
          },
        ],
      },
    },
  },
}

const INSTALL = `#!/bin/bash
# Run once by user data, as root, beside the other files of the asset; /etc/straightway/node.env is written before.
set -euo pipefail
cd "$(dirname "$0")"
. /etc/straightway/node.env
# The asset has the modes of the machine that made it.
chmod -R u=rwX,go=rX .
id ${USER} >/dev/null 2>&1 || useradd --system --no-create-home --shell /sbin/nologin ${USER}
# New files get the group of the directory, so the agent can read what the node writes.
install -d -m 2750 -o ${USER} -g ${AGENT_GROUP} ${LOG_DIRECTORY}
[ -e ${LOG_FILE} ] || install -m 0640 -o ${USER} -g ${AGENT_GROUP} /dev/null ${LOG_FILE}
install -m 0644 logrotate.conf /etc/logrotate.d/straightway
install -m 0644 units/*.service units/*.timer /etc/systemd/system/
install -d -m 0755 -o cwagent -g cwagent /opt/aws/amazon-cloudwatch-agent/etc
sed "s|@LOG_GROUP@|$LOG_GROUP|" cloudwatch.json > /opt/aws/amazon-cloudwatch-agent/etc/straightway.json
/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl -a fetch-config -m ec2 -s -c file:/opt/aws/amazon-cloudwatch-agent/etc/straightway.json
systemctl daemon-reload
systemctl enable --now straightway-filter.service straightway-log.timer straightway.service
# The instance is ready when its node has taken a lease, which it says in its log.
for _ in $(seq 60); do
  grep -q '"node":"node_' ${LOG_FILE} && exit 0
  ! systemctl is-failed --quiet straightway.service || break
  sleep 2
done
echo "the node does not serve" >&2
exit 1
`
