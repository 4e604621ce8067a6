/** The metrics that nodes report, described once for CloudWatch, Prometheus, the alarms and the dashboard. */
export interface Description {
  /** A counter only grows during the life of the node; a gauge is a current value. */
  readonly kind: 'counter' | 'gauge'
  readonly help: string
  /** If set, CloudWatch receives each part as well as the total. Each part is billed as a metric of its own. */
  readonly parts?: 'told'
}

export const METRICS = {
  Sessions: { kind: 'gauge', help: 'Peers that are signed in.' },
  SignIns: { kind: 'counter', help: 'Peers that signed in.' },
  LostSessions: { kind: 'counter', help: 'Sessions that ended without a goodbye.' },
  Messages: { kind: 'counter', help: 'Instant messages that peers sent.' },
  Legs: { kind: 'gauge', help: 'Sides of relayed tunnels.' },
  RelayedPackets: { kind: 'counter', help: 'Packets that a relay forwarded.' },
  RelayedBytes: { kind: 'counter', help: 'Bytes that a relay forwarded.' },
  StunAnswers: { kind: 'counter', help: 'STUN requests that were answered.' },
  Tunnels: {
    kind: 'counter',
    help: 'Tunnels, by what their first attempt at a direct path came to; and those that recovered later.',
    parts: 'told',
  },
  Dropped: { kind: 'counter', help: 'Datagrams and frames that were not served, by why.' },
} as const satisfies Readonly<Record<string, Description>>

export type MetricName = keyof typeof METRICS
