/**
 * Publishes metrics of the fleet once a minute (CloudWatch embedded metric format). Autoscaling acts on `Load`,
 * alarms act on all of them. They are computed from the leases and not reported by each node, so a dead node counts
 * as gone.
 *
 *   SYSTEM        the dimension that tells systems in one account apart
 *   REGION        only nodes that stand there are counted: metrics are of one region, as are the groups that scale on them
 *   HOME_REGION   where the leases are, if not here
 */
import middy from '@middy/core'
import type { ScheduledEvent } from 'aws-lambda'
import type { FleetItem } from '../../shared/directory.ts'
import { createClient } from '../../shared/store/client.ts'
import { createFleet, type Fleet } from '../../shared/store/fleet.ts'
import { type Environment, fromEnvironment, required } from '../environment.ts'

export type Role = FleetItem['roles'][number]

/**
 * Metrics of one role. `Nodes` and the loads cover only nodes that do not drain: those accept new peers and tunnels.
 */
export interface RoleMetrics {
  readonly Nodes: number
  /** Average and largest load, 0 to 1. Both are 1 if there is no node, so that the group grows. */
  readonly Load: number
  readonly PeakLoad: number
  readonly Draining: number
  /** Nodes that started within ten minutes. A count that stays high is a sign of a crash loop. */
  readonly Young: number
}

export interface FleetMetricsContext {
  readonly system: string
  /** Only nodes in this region are counted. Default: all nodes. */
  readonly region?: string | undefined
  readonly fleet: Pick<Fleet, 'alive'>
  readonly print: (line: string) => void
  readonly now: () => number
}

const ROLES: readonly Role[] = ['checkpoint', 'handshake', 'stun', 'relay']
const NAMESPACE = 'Straightway'
const YOUNG_MS = 10 * 60_000

export function createFleetMetrics({ system, region, fleet, print, now }: FleetMetricsContext) {
  return middy<ScheduledEvent, void>().handler(async () => {
    const at = now()
    const alive = await fleet.alive(Math.floor(at / 1000))
    const items = alive.filter((item) => region === undefined || item.region === region)
    for (const role of ROLES) print(JSON.stringify(embedded(system, role, metricsOf(items, role, at), at)))
  })
}

export const handler = fromEnvironment(contextFrom, createFleetMetrics)

export function metricsOf(items: readonly FleetItem[], role: Role, now: number): RoleMetrics {
  const having = items.filter(({ roles }) => roles.includes(role))
  const serving = having.filter(({ draining }) => !draining)
  const loads = serving.map(({ load }) => load)
  return {
    Nodes: serving.length,
    Load: loads.length === 0 ? 1 : loads.reduce((sum, load) => sum + load, 0) / loads.length,
    PeakLoad: Math.max(...loads, loads.length === 0 ? 1 : 0),
    Draining: having.length - serving.length,
    Young: having.filter(({ startedAt }) => now - startedAt < YOUNG_MS).length,
  }
}

function embedded(System: string, Role: Role, metrics: RoleMetrics, Timestamp: number) {
  const Metrics = Object.keys(metrics).map((Name) => ({ Name }))
  const CloudWatchMetrics = [{ Namespace: NAMESPACE, Dimensions: [['System', 'Role']], Metrics }]
  return { _aws: { Timestamp, CloudWatchMetrics }, System, Role, ...metrics }
}

/**
 * Writes straight to standard output: the runtime wraps what is written to `console`, which CloudWatch would not read
 * as metrics.
 */
function contextFrom(env: Environment): FleetMetricsContext {
  return {
    system: required(env, 'SYSTEM'),
    region: env.REGION,
    fleet: createFleet(createClient({ endpoint: env.DYNAMODB_ENDPOINT, region: env.HOME_REGION })),
    print: (line) => void process.stdout.write(`${line}\n`),
    now: Date.now,
  }
}
