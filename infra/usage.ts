/**
 * Estimates how much a load uses the tables, the gateway and the stream functions. `npm run bench -- fleet` counts the same with
 * the real nodes and functions. `test/bench/fleet.test.ts` fails if one of the kinds differs by more than a fifth.
 */
import { STREAMS } from './functions.ts'
import { type Load, nodesOf } from './load.ts'

/** Usage per second. */
export interface Usage {
  /** Read units of the tables. */
  readonly reads: number
  /** Write units of the tables and their indexes. */
  readonly writes: number
  /** Messages to nodes through the WebSocket API. */
  readonly posts: number
  /** Calls of stream functions. */
  readonly calls: Readonly<Record<'presence' | 'index' | 'mailbox' | 'fleet', number>>
}

/** Share of transitions that are sign-ins. As many are sign-outs; the rest are status changes. */
export const SIGN_INS = 0.3
/** Stream shards of a table of this size. */
export const SHARDS = 4
/** Interval at which a node renews its lease (udp-edge/lease.ts), and size of a lease. */
export const LEASE_SECONDS = 10
const LEASE_BYTES = 400
/** How long a node remembers where a peer is after it was last confirmed (shared/core/checkpoint/locator.ts). */
const REMEMBERED_SECONDS = 300
/** Compressed bytes of a note that names a changed record for the index. */
const NOTE_BYTES = 40

const UNIT = {
  /** Peer and user before the presence is written and again after it, and the mailbox. */
  signIn: 5,
  /** The network's nodes, to tell them; presence and user, to index it. */
  transition: 3,
  /** Presence and user. The peer, and the blocks of the asker and of its user, are read at half the price. */
  lookUp: 3.5,
  /** The count of the mailbox, the blocks of sender and user, the place of the recipient, and a second page of the mailbox. */
  mail: 4.5,
  /** The connections of the node. */
  post: 0.5,
  /** The network. */
  join: 1,
  /** The declarations of searchable attributes. */
  indexing: 1,
} as const

/** How often a node ends in a month: deployments, scaling, and deaths. */
const ENDS_A_MONTH = 10
const PRESENCE_BYTES = 400
const READ_BYTES = 4096
const WRITE_BYTES = 1024

export function usageOf(load: Load): Usage {
  const nodes = nodesOf(load)
  const perSecond = (perDay: number) => (load.peers * perDay) / 86_400
  const transitions = perSecond(load.transitionsPerDay)
  const signIns = transitions * SIGN_INS
  const mail = perSecond(load.messagesPerDay) * load.mailShare
  const batches = callsIn(transitions, SHARDS * load.batchesPerSecond)
  const records = batches === 0 ? 0 : transitions / batches
  const posts = batches * spreadOver(nodes, load.networkSize * records)
  // Sign-ins of a member that is alone of its network at its node: the node joins the network with it and leaves after it.
  const joins = signIns * (1 - 1 / nodes) ** (load.networkSize - 1)
  const leases = nodes / LEASE_SECONDS
  const polls = SHARDS * STREAMS.pollsPerSecond * STREAMS.parallel
  const calls = {
    presence: batches,
    index: callsIn(batches, polls),
    mailbox: callsIn(mail, polls),
    fleet: leases,
  }
  return {
    posts,
    calls,
    reads:
      UNIT.signIn * signIns +
      UNIT.transition * transitions +
      UNIT.lookUp * (lookUpsOf(load, nodes) + mail) +
      UNIT.mail * mail +
      UNIT.post * posts +
      UNIT.join * joins +
      UNIT.indexing * calls.index +
      leases * Math.ceil((nodes * LEASE_BYTES) / READ_BYTES),
    writes:
      // Presence and the search entry; mail stored and deleted; networks that a node joins and leaves.
      2 * (transitions + mail + joins) + batches * Math.ceil((records * NOTE_BYTES) / WRITE_BYTES) + leases,
  }
}

/** Look-ups per second of peers at other nodes, to write to them. The node of the recipient learns of the sender by the message. */
function lookUpsOf(load: Load, nodes: number): number {
  const { peers, messagesPerDay, messagesPerConversation, secondsBetweenMessages } = load
  const conversations = (peers * messagesPerDay) / messagesPerConversation / 86_400
  const isRemembered = secondsBetweenMessages <= REMEMBERED_SECONDS
  return conversations * (isRemembered ? 1 : messagesPerConversation) * (1 - 1 / nodes)
}

/** Calls per second of a function that is called at most `slots` times a second, with whatever has come in between. */
const callsIn = (changes: number, slots: number): number => slots * (1 - Math.exp(-changes / slots))

/** Expected number of nodes that hold at least one of `peers` peers. */
const spreadOver = (nodes: number, peers: number): number => nodes * (1 - (1 - 1 / nodes) ** peers)

/** Read units of a month for scans after nodes that ended, by a deployment or a death. */
export const scansOf = (load: Load): number =>
  (nodesOf(load) * ENDS_A_MONTH * (0.5 * load.peers * PRESENCE_BYTES)) / READ_BYTES
