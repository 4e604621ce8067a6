/**
 * Pushes to nodes over their WebSocket connections. All pushes of a batch for one node are one post to its newest
 * connection: a JSON array. It is split into several posts only if it exceeds the size that API Gateway charges as
 * one message.
 *
 * Nodes are posted to concurrently and independently. A push that cannot be delivered may be dropped: after every gap
 * of its connection a node reads the state behind the pushes again (shared/core/checkpoint/pushes.ts). So
 *
 *   - a connection that is gone is removed, and the next older one is tried;
 *   - a connection that is still opening is also `gone` to the API. It is kept, and its node reads the state once it
 *     is open;
 *   - a connection that accepts nothing within POST_MS, or fails, is ended. Its node then connects again and reads
 *     the state.
 *
 * Records are delivered again only if the API throttles, or if a connection can be neither used nor ended.
 */
import { StraightwayError } from '../../shared/errors.ts'
import type { NodeId } from '../../shared/ids.ts'
import type { Push } from '../../shared/push.ts'
import { createConnections } from '../../shared/store/connections.ts'
import { forEach } from '../../shared/store/pages.ts'
import type { Told } from './changes.ts'
import type { StreamContext } from './context.ts'

export interface Delivered {
  /** Number of records, from the first, that need not be delivered again. */
  readonly delivered: number
  /** Why the next record has to be delivered again. */
  readonly error?: unknown
}

/** Posts the pushes that follow from each record of a batch. Never rejects. */
export type Pusher = (told: readonly (readonly Told[])[]) => Promise<Delivered>

/** Longest WebSocket handshake: a younger connection that is `gone` may still be opening. */
const YOUNG_MS = 10_000
/** Nodes posted to concurrently: as many as the API client has sockets. */
const TOGETHER = 50
/** API Gateway charges a post as one message per 32 KB, and accepts 128 KB. */
const POST_BYTES = 32 * 1024

interface Parcel {
  readonly texts: string[]
  /** The first record with a push for the node. */
  readonly record: number
}

export function createPusher({ client, management, now }: StreamContext): Pusher {
  const connections = createConnections(client)

  async function deliver(node: NodeId, texts: readonly string[]): Promise<void> {
    const all = await connections.ofNode(node)
    let coming: string | undefined
    for (const { connection, connectedAt } of all) {
      const outcome = await postAll(connection, texts)
      if (outcome === 'sent') return
      if (outcome === 'stuck') {
        await management.end(connection)
        return connections.remove(connection)
      }
      if (now() - connectedAt < YOUNG_MS) coming ??= connection
      else await connections.remove(connection)
    }
    // A connection that replaces another leaves no gap, so its node would not read the state. It is tried again: by
    // now it may be open.
    const replaces = coming !== undefined && all.length > 1
    if (replaces && (await postAll(coming!, texts)) !== 'sent')
      throw new StraightwayError('unavailable', `${node} is just connecting`)
  }

  async function postAll(connection: string, texts: readonly string[]): Promise<'sent' | 'gone' | 'stuck'> {
    for (const post of postsOf(texts)) {
      const outcome = await management.post(connection, post)
      if (outcome !== 'sent') return outcome
    }
    return 'sent'
  }

  return async (told) => {
    const parcels = parcelsOf(told)
    let [delivered, error]: [number, unknown] = [told.length, undefined]
    const failed = (record: number, reason: unknown): void => {
      if (record < delivered) [delivered, error] = [record, reason]
    }
    await forEach(
      [...parcels],
      ([node, { texts, record }]) => deliver(node, texts).catch((reason) => failed(record, reason)),
      TOGETHER,
    )
    return { delivered, error }
  }
}

function parcelsOf(told: readonly (readonly Told[])[]): ReadonlyMap<NodeId, Parcel> {
  const parcels = new Map<NodeId, Parcel>()
  for (const [record, pushes] of told.entries()) {
    for (const { nodes, push } of pushes) addTo(parcels, new Set(nodes), push, record)
  }
  return parcels
}

function addTo(parcels: Map<NodeId, Parcel>, nodes: ReadonlySet<NodeId>, push: Push, record: number): void {
  const text = JSON.stringify(push)
  for (const node of nodes) {
    const parcel = parcels.get(node)
    if (parcel === undefined) parcels.set(node, { texts: [text], record })
    else parcel.texts.push(text)
  }
}

/** The posts: JSON arrays of at most POST_BYTES each. A longer push gets a post of its own. */
function* postsOf(texts: readonly string[]): Generator<string> {
  let [part, bytes]: [string[], number] = [[], 2]
  for (const text of texts) {
    const size = Buffer.byteLength(text) + 1
    if (part.length > 0 && bytes + size > POST_BYTES) {
      yield `[${part.join()}]`
      ;[part, bytes] = [[], 2]
    }
    part.push(text)
    bytes += size
  }
  if (part.length > 0) yield `[${part.join()}]`
}
