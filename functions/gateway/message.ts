/**
 * `$default`: forwards a peer's datagram to its node, and a node's datagram to its peer. If the recipient is not
 * connected, the sender is told (shared/carried.ts). So a peer reaches only nodes, and a node only peers.
 *
 * Other messages:
 *
 *   - From a node, any other message is a keepalive, which keeps the connection from idling out.
 *   - A peer that sends anything else is disconnected.
 *   - A connection that is missing in the table is ended. Pushes could not find it, and it would stay silent for up
 *     to two hours; its owner connects again.
 */
import middy from '@middy/core'
import { nodeDatagramOf, peerDatagramOf } from '../../shared/carried.ts'
import type { NodeConnection, PeerConnection } from '../../shared/store/connections.ts'
import { fromEnvironment } from '../environment.ts'
import { toNode, toPeer } from './carriage.ts'
import { contextFrom, type GatewayContext } from './context.ts'
import type { WebSocketEvent, WebSocketResult } from './event.ts'

const TAKEN = { statusCode: 200 }
const REFUSED = { statusCode: 400 }

export function createMessage(context: GatewayContext) {
  return middy<WebSocketEvent, WebSocketResult>().handler(
    async ({ body = '', requestContext: { connectionId } }) => {
      const sender = await context.connections.get(connectionId)
      if (sender === undefined) {
        await context.management.end(connectionId)
        return REFUSED
      }
      return 'node' in sender ? ofNode(context, sender, body) : ofPeer(context, sender, body)
    },
  )
}

export const handler = fromEnvironment(contextFrom, createMessage)

async function ofNode(context: GatewayContext, node: NodeConnection, body: string): Promise<WebSocketResult> {
  const datagram = nodeDatagramOf(body)
  if (datagram !== undefined) await toPeer(context, node, datagram)
  return TAKEN
}

async function ofPeer(context: GatewayContext, peer: PeerConnection, body: string): Promise<WebSocketResult> {
  const datagram = peerDatagramOf(body)
  if (datagram !== undefined) await toNode(context, peer, datagram)
  else await context.management.end(peer.connection)
  return datagram === undefined ? REFUSED : TAKEN
}
