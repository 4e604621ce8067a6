/**
 * The systemd units of an instance. A node runs as a user that exists while it runs, sees a file system it cannot write,
 * and has no capability but that the relay may program the kernel's forwarding and listen on TCP 443. What it knows it has
 * in memory.
 */
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
  }
}

/** Five starts within five minutes are a crash loop: the instance is given up, and the group makes another. */
function service({ directory, node, relay, drainMinutes }: UnitOptions): string {
  const capability = relay ? 'CAP_NET_ADMIN CAP_NET_BIND_SERVICE' : ''
  const families = relay ? 'AF_INET AF_INET6 AF_UNIX AF_NETLINK' : 'AF_INET AF_INET6 AF_UNIX'
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
StandardOutput=append:/var/log/straightway/node.log
StandardError=inherit
LogsDirectory=straightway
DynamicUser=yes
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
ProcSubset=pid
RestrictAddressFamilies=${families}
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
EnvironmentFile=/etc/straightway/node.env
ExecStart=/usr/bin/aws autoscaling set-instance-health --region \${AWS_REGION} --instance-id \${INSTANCE_ID} --health-status Unhealthy --no-should-respect-grace-period
`

function filter({ directory }: UnitOptions): string {
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

[Install]
WantedBy=multi-user.target
`
}

/** What a node listens on. */
export interface FilterPorts {
  readonly udp: readonly number[]
  readonly tcp: readonly number[]
}

/**
 * The security group lets every packet in, as tracking them would drop some when its table is full; this lets in what a node
 * answers, and tracks nothing that belongs to its ports either.
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
}
`
}
