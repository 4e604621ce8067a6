/** The monthly bill of a load: a function of numbers, so that each assumption can be read and changed. */
import { LIMITS } from '../shared/limits.ts'
import { HOURS, type InstanceType, PRICES } from './prices.ts'

export interface Load {
  /** Signed in at the same time, on average. */
  readonly peers: number
  /** Instant messages of one peer. */
  readonly messagesPerDay: number
  /** Sign-in, sign-out, status changes of one peer. */
  readonly transitionsPerDay: number
  /** Tunnels of one peer, what each carries, and how many of them stay on a relay. */
  readonly tunnelsPerDay: number
  readonly megabytesPerTunnel: number
  readonly relayShare: number
  /** Messages of one exchange between two peers: each side's node looks the other up once. */
  readonly messagesPerConversation: number
  /** Of messages, those to peers that are away: they wait in the tables. */
  readonly mailShare: number
  /** Members of a network; each peer is in one. */
  readonly networkSize: number
  /** Requests to INDEX of one peer: a ticket in its life is one. */
  readonly requestsPerDay: number
  /** Batches of presence changes a second of a shard: one where they are gathered for a second. */
  readonly batchesPerSecond: number
  /** Between keep-alives. */
  readonly keepAliveSeconds: number
  /** Sessions of a node at its target load of 60 %: a t4g.small has room for 256,000 of 2 KB (udp-edge/checkpoint.ts). */
  readonly peersPerNode: number
  readonly nodeInstance: InstanceType
  readonly relayInstance: InstanceType
  /** Peers are spread over them evenly; a system has one or two. */
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
/** With the IP and UDP headers that AWS counts too. */
const KEEP_ALIVE_BYTES = 34
const MESSAGE_BYTES = 220
/** Of transitions: sign-ins, and as many sign-outs; the rest are changes of status. */
const SIGN_INS = 0.3
/** Shards of a table of this size. */
const SHARDS = 4
/** Of a transition: its entry among those that are there, which alone has a replica. */
const REPLICATED_WRITES = 1
/** Names of a changed record, for the index. */
const NOTE_BYTES = 120
const WRITE_BYTES = 1_000
/** What watches the machines of a second region, which has metrics of its own. */
const MACHINE_ALARMS = 8
const MACHINE_METRICS = 40
/** Peaks over the average: relays are there for the peak. */
const PEAK = 3
const SECONDS_A_MONTH = HOURS * 3600

export function bill(load: Load): Line[] {
  const lines = [...machines(load), ...traffic(load), ...tables(load), ...functions(load), ...standing()]
  return load.regions > 1 ? [...lines, ...beside(load, load.regions - 1)] : lines
}

/** The same connections and messages by services that would carry them. */
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

/** What a second asks of the tables and functions; `npm run bench -- fleet` counts the same. */
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
  /** Nodes that some of so many peers are at. */
  const spread = (peers: number) => nodes * (1 - (1 - 1 / nodes) ** peers)
  const posts = batches * spread(load.networkSize * records)
  // Members of a network that are alone at their node: it joins with them and leaves after them.
  const joins = signIns * (1 - 1 / nodes) ** (load.networkSize - 1)
  const notes = batches * Math.ceil((records * NOTE_BYTES) / 1024)
  return {
    ...{ transitions, batches, posts, mail },
    // Presence and its entry, both ends of a session in the index of places, mail stored and fetched, networks of nodes.
    writes: 2 * transitions + 2 * signIns + 2 * mail + 4 * joins + notes,
    // Peer, user and mailbox of a sign-in; nodes of a network, presence and user for each change; peer of who left.
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

/** Replicas, what goes between the regions (half of the messages, and what is replicated), and what watches the machines. */
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
