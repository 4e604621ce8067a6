/** The monthly bill of a load. It is a pure function of numbers, so that each assumption can be read and changed. */
import { FUNCTIONS, type FunctionDescription, type FunctionName } from './functions.ts'
import { type Load, nodesOf } from './load.ts'
import { HOURS, type InstanceType, PRICES } from './prices.ts'
import { scansOf, type Usage, usageOf } from './usage.ts'

export interface Line {
  readonly service: string
  readonly what: string
  readonly dollars: number
  /** The kind of usage that the fleet benchmark counts for this line. Absent if it does not count it. */
  readonly kind?: Kind
}

export type Kind = (typeof KINDS)[number]
export const KINDS = ['writes', 'reads', 'posts', 'calls'] as const

const DAYS = HOURS / 24
const MILLION = 1e6
/** Bytes of a keep-alive's answer, with the IP and UDP headers that AWS counts too. */
const KEEP_ALIVE_BYTES = 34
const MESSAGE_BYTES = 220
/** Writes per transition to a replicated table: the entry in `SearchTerms`. The other tables it writes have no replica. */
const REPLICATED_WRITES = 1
const WRITE_BYTES = 1_000
/** Alarms for the machines of a second region. */
const MACHINE_ALARMS = 8
/** Metrics of the machines of a second region. */
const MACHINE_METRICS = 40
/** Ratio of peak to average relayed traffic. The number of relays follows the peak. */
const PEAK = 3
const SECONDS_A_MONTH = HOURS * 3600
/** Duration of one call of a stream function. */
const CALL_SECONDS = { presence: 0.2, index: 0.3, mailbox: 0.05, fleet: 0.02 } as const
const SCHEDULED = ['reaper', 'jobs', 'webhooks', 'fleetMetrics'] as const
const SCHEDULED_SECONDS = 0.1
/** How long a round of the canary takes: sign-in of two peers, a message, a tunnel over a relay. */
const CANARY_SECONDS = 3
/** Bytes between two nodes of one message and its receipt. */
const FORWARDED_BYTES = 500

const aMonth = (perSecond: number): number => (perSecond * SECONDS_A_MONTH) / MILLION

export function bill(load: Load): Line[] {
  const lines = [...machines(load), ...traffic(load), ...tables(load), ...functions(load), ...standing()]
  return load.regions > 1 ? [...lines, ...beside(load, load.regions - 1)] : lines
}

/** Prices of other services that could carry the same connections and messages. */
export function alternatives({ peers, messagesPerDay }: Load): Line[] {
  const minutes = (peers * HOURS * 60) / MILLION
  const messages = (peers * messagesPerDay * DAYS) / MILLION
  const { iot, websocketApi } = PRICES
  return [
    {
      service: 'AWS IoT Core',
      what: 'connections, and each message in and out; no tunnels',
      dollars: minutes * iot.connectionMinuteMillion + 2 * messages * iot.messageMillion,
    },
    {
      service: 'API Gateway WebSocket',
      what: 'connections, and each message in and out; no tunnels',
      dollars: minutes * websocketApi.connectionMinuteMillion + 2 * messages * websocketApi.messageMillion,
    },
  ]
}

export const total = (lines: readonly Line[]): number => lines.reduce((sum, { dollars }) => sum + dollars, 0)

function machines(load: Load): Line[] {
  const regions = Math.max(1, load.regions)
  const relayed = (relayedMbit(load) * PEAK) / regions
  const nodes = nodesOf(load)
  const relays = regions * Math.max(1, Math.ceil(relayed / PRICES.sustainedMbit[load.relayInstance]))
  const perMachine = HOURS * PRICES.publicIpv4Hour + 8 * PRICES.diskGbMonth
  const cost = (count: number, type: InstanceType) => count * (HOURS * PRICES.instanceHour[type] + perMachine)
  return [
    { service: 'EC2', what: `${nodes} nodes ${load.nodeInstance}`, dollars: cost(nodes, load.nodeInstance) },
    {
      service: 'EC2',
      what: `${relays} relays ${load.relayInstance}`,
      dollars: cost(relays, load.relayInstance),
    },
  ]
}

function traffic(load: Load): Line[] {
  const answers = (load.peers * SECONDS_A_MONTH * KEEP_ALIVE_BYTES) / load.keepAliveSeconds
  const messages = load.peers * load.messagesPerDay * DAYS * MESSAGE_BYTES * 2
  const relayed = relayedGb(load)
  const signalling = (answers + messages) / 1e9
  const all = egress(relayed + signalling)
  const nodes = nodesOf(load)
  const forwarded = (load.peers * load.messagesPerDay * DAYS * FORWARDED_BYTES * (1 - 1 / nodes)) / 1e9
  const share = relayed / Math.max(relayed + signalling, Number.MIN_VALUE)
  return [
    { service: 'Traffic', what: `${relayed.toFixed(0)} GB relayed`, dollars: all * share },
    {
      service: 'Traffic',
      what: `${signalling.toFixed(0)} GB keep-alives and messages`,
      dollars: all * (1 - share),
    },
    {
      service: 'Traffic',
      what: `${forwarded.toFixed(0)} GB between nodes`,
      dollars: forwarded * PRICES.betweenMachinesGb,
    },
  ]
}

/** The dollars of a month for usage per second, by kind. */
export function dollarsOf({ reads, writes, posts, calls }: Usage): Readonly<Record<Kind, number>> {
  const { dynamodb, websocketApi } = PRICES
  const called = Object.entries(calls) as [keyof Usage['calls'], number][]
  return {
    writes: aMonth(writes) * dynamodb.writeMillion,
    reads: aMonth(reads) * dynamodb.readMillion,
    posts: aMonth(posts) * websocketApi.messageMillion,
    calls: called.reduce(
      (sum, [name, count]) => sum + invocations(aMonth(count), CALL_SECONDS[name], name),
      0,
    ),
  }
}

/** Millions of invocations of a function, and the seconds of each. */
function invocations(millions: number, seconds: number, name: FunctionName): number {
  const gb = FUNCTIONS[name].memoryMb / 1024
  return millions * (PRICES.lambda.requestMillion + MILLION * gb * seconds * PRICES.lambda.gbSecondArm)
}

function tables(load: Load): Line[] {
  const { writeMillion, readMillion, storageGbMonth, backupGbMonth } = PRICES.dynamodb
  const { writes, reads } = dollarsOf(usageOf(load))
  const requests = requestsOf(load)
  const gb = storedGb(load.peers)
  return [
    { service: 'DynamoDB', what: 'writes: presence, who is there, mail', dollars: writes, kind: 'writes' },
    { service: 'DynamoDB', what: 'reads', dollars: reads, kind: 'reads' },
    {
      service: 'DynamoDB',
      what: 'scans after nodes that ended',
      dollars: (scansOf(load) / MILLION) * readMillion,
    },
    {
      service: 'DynamoDB',
      what: 'requests to INDEX: three reads, a proof',
      dollars: requests * (3 * readMillion + writeMillion),
    },
    { service: 'DynamoDB', what: 'storage and backup', dollars: gb * (storageGbMonth + backupGbMonth) },
  ]
}

function functions(load: Load): Line[] {
  const { restApi, waf, logsGb } = PRICES
  const { posts, calls } = dollarsOf(usageOf(load))
  const requests = requestsOf(load)
  const minutes = (HOURS * 60) / MILLION
  return [
    { service: 'API Gateway', what: 'requests to INDEX', dollars: requests * restApi.requestMillion },
    { service: 'API Gateway', what: 'pushes to nodes', dollars: posts, kind: 'posts' },
    {
      service: 'WAF',
      what: 'requests and three rules',
      dollars: waf.month + 3 * waf.ruleMonth + requests * waf.requestMillion,
    },
    { service: 'Lambda', what: 'INDEX', dollars: invocations(requests, 0.02, 'rest') },
    { service: 'Lambda', what: 'streams: presence, index, mail, fleet', dollars: calls, kind: 'calls' },
    {
      service: 'Lambda',
      what: 'every minute: reaper, jobs, metrics',
      dollars: SCHEDULED.reduce(
        (sum, name) => sum + invocations(minutes * partsOf(name), SCHEDULED_SECONDS, name),
        0,
      ),
    },
    {
      service: 'Lambda',
      what: 'canary: two peers talk each minute',
      dollars: invocations(minutes, CANARY_SECONDS, 'canary'),
    },
    { service: 'CloudWatch', what: 'access log', dollars: requests * MILLION * 2.5e-7 * logsGb },
  ]
}

const requestsOf = ({ peers, requestsPerDay }: Load): number => (peers * requestsPerDay * DAYS) / MILLION

const partsOf = (name: FunctionName): number => (FUNCTIONS[name] as FunctionDescription).parts ?? 1

/** Costs of further regions: replicas, traffic between regions (half of the messages, and replication), and monitoring. */
function beside({ peers, transitionsPerDay, messagesPerDay }: Load, replicas: number): Line[] {
  const { dynamodb, alarmMonth, metricMonth, dashboardMonth, secretMonth, interRegionGb } = PRICES
  const writes = peers * transitionsPerDay * DAYS * REPLICATED_WRITES * replicas
  const gb = (peers * messagesPerDay * DAYS * (MESSAGE_BYTES / 2) + writes * WRITE_BYTES) / 1e9
  const stored = storedGb(peers) * (dynamodb.storageGbMonth + dynamodb.backupGbMonth) * replicas
  const watched =
    MACHINE_ALARMS * alarmMonth + MACHINE_METRICS * metricMonth + dashboardMonth + 2 * secretMonth
  return [
    {
      service: 'DynamoDB',
      what: 'replicas: writes, storage and backup',
      dollars: (writes / MILLION) * dynamodb.writeMillion + stored,
    },
    { service: 'Traffic', what: `${gb.toFixed(0)} GB between regions`, dollars: gb * interRegionGb },
    {
      service: 'CloudWatch',
      what: 'alarms, dashboard, metrics, keys of the other region',
      dollars: watched * replicas,
    },
  ]
}

const storedGb = (peers: number): number => (peers * 4_000) / 1e9

function standing(): Line[] {
  const { alarmMonth, dashboardMonth, metricMonth, secretMonth } = PRICES
  return [
    {
      service: 'CloudWatch',
      what: 'alarms, dashboard, metrics',
      dollars: 26 * alarmMonth + dashboardMonth + 60 * metricMonth,
    },
    { service: 'Secrets Manager', what: 'two keys, the seed of the canary', dollars: 3 * secretMonth },
  ]
}

function relayedGb({ peers, tunnelsPerDay, megabytesPerTunnel, relayShare }: Load): number {
  return (peers * tunnelsPerDay * DAYS * megabytesPerTunnel * relayShare) / 1000
}

const relayedMbit = (load: Load): number => (relayedGb(load) * 8_000) / SECONDS_A_MONTH

function egress(gb: number): number {
  let [left, from, dollars] = [gb, 0, 0]
  for (const { upToGb, price } of PRICES.egressGb) {
    const part = Math.min(left, upToGb - from)
    dollars += part * price
    left -= part
    from = upToGb
  }
  return dollars
}
