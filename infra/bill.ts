/** The monthly bill of a load. It is a pure function of numbers, so that each assumption can be read and changed. */
import { LIMITS } from '../shared/limits.ts'
import { HOURS, type InstanceType, PRICES } from './prices.ts'

export interface Load {
  /** Peers that are signed in at the same time, on average. */
  readonly peers: number
  /** Instant messages that one peer sends. */
  readonly messagesPerDay: number
  /** Sign-ins, sign-outs and status changes of one peer. */
  readonly transitionsPerDay: number
  /** Tunnels that one peer opens. */
  readonly tunnelsPerDay: number
  readonly megabytesPerTunnel: number
  /** Share of tunnels that stay on a relay, 0 to 1. */
  readonly relayShare: number
  /** Messages of one conversation between two peers. Each side's node looks the other peer up once per conversation. */
  readonly messagesPerConversation: number
  /** Share of messages to peers that are away, 0 to 1. These messages wait in the tables. */
  readonly mailShare: number
  /** Members of a network. Each peer is in one network. */
  readonly networkSize: number
  /** Requests of one peer to INDEX. Default: one per lifetime of a ticket. */
  readonly requestsPerDay: number
  /** Batches of presence changes per shard. Default: 1, as changes are gathered for a second. */
  readonly batchesPerSecond: number
  /** Interval between keep-alives. */
  readonly keepAliveSeconds: number
  /** Sessions of a node at its target load of 60 %. A t4g.small has room for 256,000 of 2 KB (udp-edge/checkpoint.ts). */
  readonly peersPerNode: number
  readonly nodeInstance: InstanceType
  readonly relayInstance: InstanceType
  /** Number of regions, 1 or 2. Peers are spread over them evenly. */
  readonly regions: number
}

const DAY_MS = 24 * 3600_000

export const TYPICAL: Load = {
  peers: 10_000,
  messagesPerDay: 50,
  transitionsPerDay: 10,
  tunnelsPerDay: 5,
  megabytesPerTunnel: 20,
  relayShare: 0.03,
  messagesPerConversation: 10,
  mailShare: 0.02,
  networkSize: 50,
  requestsPerDay: DAY_MS / LIMITS.ticketMs,
  batchesPerSecond: 1,
  keepAliveSeconds: 25,
  peersPerNode: 150_000,
  nodeInstance: 't4g.small',
  relayInstance: 'c7gn.medium',
  regions: 1,
}

export interface Line {
  readonly service: string
  readonly what: string
  readonly dollars: number
}

const DAYS = HOURS / 24
const MILLION = 1e6
/** Bytes of a keep-alive's answer, with the IP and UDP headers that AWS counts too. */
const KEEP_ALIVE_BYTES = 34
const MESSAGE_BYTES = 220
/** Share of transitions that are sign-ins. As many are sign-outs; the rest are status changes. */
const SIGN_INS = 0.3
/** Stream shards of a table of this size. */
const SHARDS = 4
/** Writes per transition to a replicated table: the entry in `SearchTerms`. The other tables it writes have no replica. */
const REPLICATED_WRITES = 1
/** Bytes of a note that names a changed record for the index. */
const NOTE_BYTES = 120
const WRITE_BYTES = 1_000
/** Alarms for the machines of a second region. */
const MACHINE_ALARMS = 8
/** Metrics of the machines of a second region. */
const MACHINE_METRICS = 40
/** Ratio of peak to average relayed traffic. The number of relays follows the peak. */
const PEAK = 3
const SECONDS_A_MONTH = HOURS * 3600

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
  const share = relayed / Math.max(relayed + signalling, Number.MIN_VALUE)
  return [
    { service: 'Traffic', what: `${relayed.toFixed(0)} GB relayed`, dollars: all * share },
    {
      service: 'Traffic',
      what: `${signalling.toFixed(0)} GB keep-alives and messages`,
      dollars: all * (1 - share),
    },
  ]
}

/** Requests per second to tables and functions. `npm run bench -- fleet` measures the same numbers. */
function asked(load: Load) {
  const perSecond = (perDay: number) => (load.peers * perDay) / 86_400
  const transitions = perSecond(load.transitionsPerDay)
  const signIns = transitions * SIGN_INS
  const messages = perSecond(load.messagesPerDay)
  const mail = messages * load.mailShare
  const lookUps = (2 * messages) / load.messagesPerConversation + mail
  const nodes = nodesOf(load)
  const batches = Math.min(SHARDS * load.batchesPerSecond, transitions)
  const records = batches === 0 ? 0 : transitions / batches
  /** Expected number of nodes that hold at least one of `peers` peers. */
  const spread = (peers: number) => nodes * (1 - (1 - 1 / nodes) ** peers)
  const posts = batches * spread(load.networkSize * records)
  // Sign-ins of a member that is alone of its network at its node: the node joins the network with it and leaves after it.
  const joins = signIns * (1 - 1 / nodes) ** (load.networkSize - 1)
  const notes = batches * Math.ceil((records * NOTE_BYTES) / 1024)
  return {
    ...{ transitions, batches, posts, mail },
    // In this order: presence and its search entry; start and end of a session in the index `byPlace`; mail stored and
    // fetched; nodes that join and leave networks; notes for the index.
    writes: 2 * transitions + 2 * signIns + 2 * mail + 4 * joins + notes,
    // A sign-in reads peer, user and mailbox. A change reads the network's nodes, presence and user. A sign-out reads the peer.
    reads: 3 * signIns + 3 * transitions + signIns + lookUps + 3 * mail + joins + posts / 2 + batches,
  }
}

function nodesOf({ peers, regions, peersPerNode }: Load): number {
  const each = Math.max(2, Math.ceil(peers / Math.max(1, regions) / peersPerNode) + 1)
  return Math.max(1, regions) * each
}

const aMonth = (perSecond: number): number => (perSecond * SECONDS_A_MONTH) / MILLION

function tables(load: Load): Line[] {
  const { writeMillion, readMillion, storageGbMonth, backupGbMonth } = PRICES.dynamodb
  const { writes, reads } = asked(load)
  const requests = (load.peers * load.requestsPerDay * DAYS) / MILLION
  const gb = storedGb(load.peers)
  return [
    {
      service: 'DynamoDB',
      what: 'writes: presence, who is there, mail',
      dollars: aMonth(writes) * writeMillion,
    },
    { service: 'DynamoDB', what: 'reads', dollars: aMonth(reads) * readMillion },
    {
      service: 'DynamoDB',
      what: 'requests to INDEX: three reads, a proof',
      dollars: requests * (3 * readMillion + writeMillion),
    },
    { service: 'DynamoDB', what: 'storage and backup', dollars: gb * (storageGbMonth + backupGbMonth) },
  ]
}

function functions(load: Load): Line[] {
  const { lambda, restApi, waf, websocketApi } = PRICES
  const { batches, posts, mail } = asked(load)
  const requests = (load.peers * load.requestsPerDay * DAYS) / MILLION
  const invocation = (millions: number, gb: number, seconds: number) =>
    millions * (lambda.requestMillion + MILLION * gb * seconds * lambda.gbSecondArm)
  return [
    { service: 'API Gateway', what: 'requests to INDEX', dollars: requests * restApi.requestMillion },
    {
      service: 'API Gateway',
      what: 'pushes to nodes',
      dollars: aMonth(posts) * websocketApi.messageMillion,
    },
    {
      service: 'WAF',
      what: 'requests and three rules',
      dollars: waf.month + 3 * waf.ruleMonth + requests * waf.requestMillion,
    },
    { service: 'Lambda', what: 'INDEX', dollars: invocation(requests, 1, 0.02) },
    {
      service: 'Lambda',
      what: 'streams: presence, index, mail',
      dollars:
        invocation(aMonth(batches), 0.25, 0.2) +
        invocation(aMonth(batches), 0.5, 0.3) +
        invocation(aMonth(mail), 0.25, 0.05),
    },
    { service: 'CloudWatch', what: 'access log', dollars: requests * MILLION * 2.5e-7 * PRICES.logsGb },
  ]
}

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
    { service: 'Secrets Manager', what: 'two keys', dollars: 2 * secretMonth },
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
