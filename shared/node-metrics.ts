/** The metrics that nodes tell, each described once: for CloudWatch, for Prometheus, for alarms and the dashboard. */
export interface Description {
  /** A counter only grows while the node lives; a gauge is what it is now. */
  readonly kind: 'counter' | 'gauge'
  readonly help: string
  /** CloudWatch is told each part too, and not only what the parts come to: each is paid for. */
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
