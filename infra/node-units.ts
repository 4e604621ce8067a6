/**
 * The systemd units of an instance. A node runs as its own user, on a read-only file system. Its only capability is to
 * listen on port 443. A relay may also tell the kernel which packets to forward. A node keeps its state in memory; its log
 * is the only file it writes.
 *
 * The log belongs to the node's user and to the group of the CloudWatch agent, which reads it. A `LogsDirectory` of a
 * `DynamicUser` would be unreadable to the agent: systemd puts it behind /var/log/private, which only root can enter.
 */
import { FORWARD_MARK } from '../shared/forward-mark.ts'

export const USER = 'straightway'
export const AGENT_GROUP = 'cwagent'
export const LOG_DIRECTORY = '/var/log/straightway'
export const LOG_FILE = `${LOG_DIRECTORY}/node.log`
/** Script with which the instance gives itself up. User data writes it, because it must work before the asset is there. */
export const GIVE_UP = '/usr/local/sbin/straightway-give-up'

export interface UnitOptions {
  /** Folder of the asset. */
  readonly directory: string
  /** Path of the Node.js binary. */
  readonly node: string
  /** The node is a relay. Only relays get CAP_NET_ADMIN and a TCP port. */
  readonly relay: boolean
  readonly drainMinutes: number
}

/** The unit files of an instance: file name to content. */
export function units(options: UnitOptions): Readonly<Record<string, string>> {
  return {
    'straightway.service': service(options),
    'straightway-unhealthy.service': UNHEALTHY,
    'straightway-filter.service': filter(options),
    'straightway-log.service': ROTATE,
    'straightway-log.timer': EACH_HOUR,
  }
}

/** The unit of the node. Five starts within five minutes are a crash loop: the instance gives up, and the group replaces it. */
function service({ directory, node, relay, drainMinutes }: UnitOptions): string {
  const capability = relay ? 'CAP_NET_BIND_SERVICE CAP_NET_ADMIN' : 'CAP_NET_BIND_SERVICE'
  const families = relay ? ' AF_NETLINK' : ''
  // A relay reads from /proc whether the kernel forwards packets. It cannot change that.
  const proc = relay ? 'all' : 'pid'
  return `[Unit]
Description=Straightway node
After=network-online.target straightway-filter.service
Wants=network-online.target straightway-filter.service
StartLimitIntervalSec=300
StartLimitBurst=5
OnFailure=straightway-unhealthy.service

[Service]
Type=exec
EnvironmentFile=/etc/straightway/node.env
ExecStart=${node} --enable-source-maps ${directory}/start.mjs
Restart=always
RestartSec=2
KillMode=mixed
TimeoutStopSec=${drainMinutes * 60 + 30}
LimitNOFILE=65536
LimitCORE=0
StandardOutput=append:${LOG_FILE}
StandardError=inherit
User=${USER}
Group=${USER}
CapabilityBoundingSet=${capability}
AmbientCapabilities=${capability}
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProcSubset=${proc}
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX${families}
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
UMask=0077

[Install]
WantedBy=multi-user.target
`
}

const UNHEALTHY = `[Unit]
Description=Tell the autoscaling group that the node of this instance does not stay up

[Service]
Type=oneshot
ExecStart=${GIVE_UP}
`

/** Rotates the node's log. The system's own logrotate timer is too rare: it runs once a day. */
const ROTATE = `[Unit]
Description=Rotate the log of the Straightway node

[Service]
Type=oneshot
ExecStart=/usr/sbin/logrotate --state /run/straightway-log.state /etc/logrotate.d/straightway
`

const EACH_HOUR = `[Unit]
Description=Rotate the log of the Straightway node each hour

[Timer]
OnBootSec=15min
OnUnitActiveSec=1h

[Install]
WantedBy=timers.target
`

/**
 * Enables packet forwarding for IPv4 only. With IPv6 forwarding the kernel would ignore the router advertisements that give
 * the instance its default route.
 */
const FORWARDING = 'ExecStart=/usr/sbin/sysctl --quiet --write net.ipv4.conf.all.forwarding=1\n'

function filter({ directory, relay }: UnitOptions): string {
  return `[Unit]
Description=Packet filter of a Straightway node
Before=network-pre.target
Wants=network-pre.target
DefaultDependencies=no
After=local-fs.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f ${directory}/filter.nft
${relay ? FORWARDING : ''}
[Install]
WantedBy=multi-user.target
`
}

/**
 * Logrotate configuration of the node's log. It keeps the log small, because the agent sends the lines to CloudWatch. It
 * copies and truncates, because systemd holds the file open.
 */
export const LOG_ROTATION = `${LOG_FILE} {
  size 20M
  rotate 3
  copytruncate
  missingok
  notifempty
  su ${USER} ${AGENT_GROUP}
}
`

/** Ports that a node listens on. */
export interface FilterPorts {
  readonly udp: readonly number[]
  readonly tcp: readonly number[]
}

/**
 * The nftables rules of an instance. The security group admits all UDP, because it would track anything less and drop
 * packets when its table is full. These rules admit only packets for the given ports and what the system itself needs. They
 * do not track packets of the given ports either. Only packets that the relay has marked are forwarded
 * (udp-edge/kernel-relay).
 */
export function packetFilter(ports: FilterPorts): string {
  const lines = (rule: (protocol: 'udp' | 'tcp', set: string) => string) =>
    (['udp', 'tcp'] as const)
      .filter((protocol) => ports[protocol].length > 0)
      .map((protocol) => rule(protocol, `{ ${ports[protocol].join(', ')} }`))
      .join('\n    ')
  return `table inet straightway_host
flush table inet straightway_host
table inet straightway_host {
  chain untracked {
    type filter hook prerouting priority raw; policy accept;
    ${lines((protocol, set) => `${protocol} dport ${set} notrack`)}
  }
  chain untracked_out {
    type filter hook output priority raw; policy accept;
    ${lines((protocol, set) => `${protocol} sport ${set} notrack`)}
  }
  chain input {
    type filter hook input priority filter; policy drop;
    iif "lo" accept
    ${lines((protocol, set) => `${protocol} dport ${set} accept`)}
    ct state established,related accept
    meta l4proto ipv6-icmp accept
    icmp type { destination-unreachable, time-exceeded, parameter-problem, echo-request } accept
    udp sport 67 udp dport 68 accept
    udp dport 546 accept
  }
  chain through {
    type filter hook forward priority filter; policy drop;
    meta mark & 0xffff0000 == 0x${FORWARD_MARK.toString(16)} accept
  }
  chain out {
    type filter hook output priority filter; policy accept;
    icmp type redirect drop
  }
}
`
}
