/** The load that a bill is computed for. */
import { LIMITS } from '../shared/limits.ts'
import type { InstanceType } from './prices.ts'

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
  /** Messages of one conversation between two peers, which take turns. */
  readonly messagesPerConversation: number
  /** Time from one message of a conversation to the next. */
  readonly secondsBetweenMessages: number
  /** Share of messages to peers that are away, 0 to 1. These messages wait in the tables. */
  readonly mailShare: number
  /** Members of a network. Each peer is in one network. */
  readonly networkSize: number
  /** Requests of one peer to INDEX. Default: what the SDK does by itself, a ticket in the time for which nodes accept it. */
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
  secondsBetweenMessages: 20,
  mailShare: 0.02,
  networkSize: 50,
  requestsPerDay: DAY_MS / LIMITS.signInTicketMs,
  batchesPerSecond: 1,
  keepAliveSeconds: 25,
  peersPerNode: 150_000,
  nodeInstance: 't4g.small',
  relayInstance: 'c7gn.medium',
  regions: 1,
}

/** Nodes of all regions. */
export function nodesOf({ peers, regions, peersPerNode }: Load): number {
  const each = Math.max(2, Math.ceil(peers / Math.max(1, regions) / peersPerNode) + 1)
  return Math.max(1, regions) * each
}
