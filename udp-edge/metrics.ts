/**
 * The metrics of a node (shared/node-metrics.ts) as samples. metrics-embedded.ts formats them for CloudWatch, and
 * metrics-prometheus.ts for Prometheus.
 */
import type { CheckpointCounters } from '../shared/core/checkpoint/counters.ts'
import type { HandshakeCounters } from '../shared/core/handshake/events.ts'
import type { RelayCounters } from '../shared/core/relay/relay-counters.ts'
import type { StunCounters } from '../shared/core/stun/stun-server.ts'
import type { MetricName } from '../shared/node-metrics.ts'
import type { DriverCounters } from './drive.ts'

export interface Sample {
  readonly metric: MetricName
  /** Labels, from the coarsest to the finest. */
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The services of a node that are measured. */
export interface Measured {
  readonly checkpoint?: {
    readonly sessions: number
    counters(): CheckpointCounters & Socket
  }
  readonly handshake?: { counters(): HandshakeCounters & Socket }
  readonly stun?: { counters(): StunCounters & Socket }
  readonly relay?: {
    readonly legs: number
    counters(): RelayCounters & Socket
  }
}

interface Socket {
  readonly socket: DriverCounters
}

export function samplesOf({ checkpoint, handshake, stun, relay }: Measured): Sample[] {
  return [
    ...(checkpoint ? ofCheckpoint(checkpoint.sessions, checkpoint.counters()) : []),
    ...(handshake ? ofHandshake(handshake.counters()) : []),
    ...(stun ? ofStun(stun.counters()) : []),
    ...(relay ? ofRelay(relay.legs, relay.counters()) : []),
  ]
}

function ofCheckpoint(sessions: number, counters: CheckpointCounters & Socket): Sample[] {
  const { signIns, lost, messages, malformed, rateLimited, dropped, replays, socket } = counters
  const { sample, drops } = of('checkpoint')
  return [
    sample('Sessions', sessions),
    sample('SignIns', signIns),
    sample('LostSessions', lost),
    sample('Messages', messages),
    ...drops({
      malformed,
      replayed: replays,
      limited: rateLimited,
      full: dropped,
      socket: socket.dropped,
      overrun: socket.overrun,
    }),
  ]
}

function ofHandshake(counters: HandshakeCounters & Socket): Sample[] {
  const { direct, relayed, recovered, refused, replayed, limited, full, unknown, unopened, socket } = counters
  const { drops } = of('handshake')
  const ended = (Path: string, by: 'Technique' | 'WhyNotDirect', counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(
      ([how, value]): Sample => ({ metric: 'Tunnels', labels: { Path, [by]: how }, value }),
    )
  return [
    ...ended('direct', 'Technique', direct),
    ...ended('relayed', 'WhyNotDirect', relayed),
    ...ended('recovered', 'Technique', recovered),
    ...drops({
      refused,
      replayed,
      limited,
      full,
      unknown,
      unopened,
      socket: socket.dropped,
      overrun: socket.overrun,
    }),
  ]
}

function ofStun(counters: StunCounters & Socket): Sample[] {
  const { answered, refused, limited, malformed, forged, stale, socket } = counters
  const { sample, drops } = of('stun')
  return [
    sample('StunAnswers', answered),
    ...drops({ refused, limited, malformed, forged, stale, socket: socket.dropped, overrun: socket.overrun }),
  ]
}

function ofRelay(legs: number, counters: RelayCounters & Socket): Sample[] {
  const { packets, bytes, strange, unpaired, unproven, malformed, refused, socket } = counters
  const { sample, drops } = of('relay')
  const claims = Object.values(refused).reduce((sum, count) => sum + count, 0)
  return [
    sample('Legs', legs),
    sample('RelayedPackets', packets),
    sample('RelayedBytes', bytes),
    ...drops({
      strange,
      unpaired,
      unproven,
      malformed,
      refused: claims,
      socket: socket.dropped,
      overrun: socket.overrun,
    }),
  ]
}

function of(Role: string) {
  const sample = (metric: MetricName, value: number): Sample => ({ metric, labels: { Role }, value })
  const drops = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(
      ([Why, value]): Sample => ({ metric: 'Dropped', labels: { Role, Why }, value }),
    )
  return { sample, drops }
}
