/**
 * The systemd units of an instance. A node runs as a user of its own, sees a file system it cannot write, and has one
 * capability at most, and a relay two: it may listen on TCP 443, and tell the kernel which packets to forward. What it knows it has in memory. Its log is the one file it writes.
 *
 * The log belongs to the node's user and to the group of the CloudWatch agent, which reads it. A `LogsDirectory` of a
 * `DynamicUser` would hide it: systemd puts that behind /var/log/private, which only root can enter.
 */
import { FORWARD_MARK } from '../shared/forward-mark.ts'

export const USER = 'straightway'
export const AGENT_GROUP = 'cwagent'
export const LOG_DIRECTORY = '/var/log/straightway'
export const LOG_FILE = `${LOG_DIRECTORY}/node.log`
/** Written by user data (constructs/user-data.ts), as it must work before anything is downloaded. */
export const GIVE_UP = '/usr/local/sbin/straightway-give-up'

export interface UnitOptions {
  /** Where the asset lies. */
  readonly directory: string
  readonly node: string
  /** Only a relay gets capabilities, and a TCP port. */
  readonly relay: boolean
  readonly drainMinutes: number
}

/** File name to content. */
export function units(options: UnitOptions): Readonly<Record<string, string>> {
  return {
    'straightway.service': service(options),
    'straightway-unhealthy.service': UNHEALTHY,
    'straightway-filter.service': filter(options),
    'straightway-log.service': ROTATE,
    'straightway-log.timer': EACH_HOUR,
  }
}

/** Five starts within five minutes are a crash loop: the instance is given up, and the group makes another. */
function service({ directory, node, relay, drainMinutes }: UnitOptions): string {
  const capability = relay ? 'CAP_NET_BIND_SERVICE CAP_NET_ADMIN' : ''
  const families = relay ? ' AF_NETLINK' : ''
  // A relay looks up whether the kernel forwards; it cannot change it.
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

/** Not the system's own timer, which runs once a day. */
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
 * IPv4 only: with IPv6 forwarding the instance would no longer listen to the router advertisements that it has its route from.
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
 * Keeps the log small: nobody reads it here, as the agent sends it away. It is copied and emptied because systemd holds the
 * file open.
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

/** What a node listens on. */
export interface FilterPorts {
  readonly udp: readonly number[]
  readonly tcp: readonly number[]
}

/**
 * The security group lets every packet in, as tracking them would drop some when its table is full; this lets in what a node
 * answers, and tracks nothing that belongs to its ports either. Through an instance goes only what its relay has marked
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
