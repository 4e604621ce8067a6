/**
 * Pushes to nodes through their WebSocket connections: one message a node, to its newest connection.
 *
 * A connection that is gone is forgotten. One that is only just being made is gone as well to the API, until its handshake is
 * through; forgetting that one would leave its node deaf, so the push fails and comes again.
 */
import { StraightwayError } from '../../shared/errors.ts'
import type { NodeId } from '../../shared/ids.ts'
import type { Push } from '../../shared/push.ts'
import { createConnections } from '../../shared/store/connections.ts'
import type { StreamContext } from './context.ts'

export type Pusher = (nodes: Iterable<NodeId>, push: Push) => Promise<void>

/** How long a handshake may take. */
const YOUNG_MS = 10_000

/** Tries every node; rejects then if any failed. Nodes take the same push twice without harm. */
export function createPusher({ client, management, now }: StreamContext): Pusher {
  const connections = createConnections(client)

  async function pushTo(node: NodeId, text: string): Promise<void> {
    for (const { connection, connectedAt } of await connections.ofNode(node)) {
      if ((await management.post(connection, text)) === 'sent') return
      if (now() - connectedAt < YOUNG_MS)
        throw new StraightwayError('unavailable', `${node} is just connecting`)
      await connections.remove(connection)
    }
  }

  return async (nodes, push) => {
    const text = JSON.stringify(push)
    const outcomes = await Promise.allSettled([...nodes].map((node) => pushTo(node, text)))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }
}
