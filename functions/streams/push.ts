/**
 * Pushes to nodes through their WebSocket connections. All that one batch has for a node is one post to its newest
 * connection: a JSON array of pushes, in several posts only if it exceeds what API Gateway charges as one message.
 *
 * Nodes are posted to at the same time, and none waits for another. What a node cannot be told it will find out: it reads
 * the state behind the pushes again after every gap of its connection (shared/core/checkpoint/pushes.ts). So
 *
 *   - a connection that is gone is forgotten, and the next older one is tried;
 *   - one that is just being made is gone as well to the API; it stays, and its node reads the state when it is open;
 *   - one that takes nothing within POST_MS, or fails, is ended, so that its node makes another and reads then.
 *
 * Only if the API throttles, or a connection can be neither used nor ended, do the records come again.
 */
import { StraightwayError } from '../../shared/errors.ts'
import type { NodeId } from '../../shared/ids.ts'
import type { Push } from '../../shared/push.ts'
import { createConnections } from '../../shared/store/connections.ts'
import { forEach } from '../../shared/store/pages.ts'
import type { Told } from './changes.ts'
import type { StreamContext } from './context.ts'

export interface Delivered {
  /** How many records, from the first on, need not come again. */
  readonly delivered: number
  /** Why the record behind them has to. */
  readonly error?: unknown
}

/** What follows from each record of a batch, to the nodes concerned. Never rejects. */
export type Pusher = (told: readonly (readonly Told[])[]) => Promise<Delivered>

/** How long a handshake may take. */
const YOUNG_MS = 10_000
/** Nodes that are posted to at the same time: as many sockets as the client of the API holds. */
const TOGETHER = 50
/** API Gateway charges each 32 KB of a post as a message, and takes 128. */
const POST_BYTES = 32 * 1024

interface Parcel {
  readonly texts: string[]
  /** The first record that the node has something of. */
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
    // One that replaces another does not count as a gap: by now it is open.
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

/** JSON arrays, each as long as one message may be; a push that is longer by itself has one of its own. */
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
