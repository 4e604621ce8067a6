/**
 * `$default`: a datagram of a peer goes on to its node, one of a node to its peer, and whoever is not there any more is
 * told of (shared/carried.ts). So a peer reaches nodes only, and a node peers only.
 *
 * Anything else that a node sends says that it is there, which keeps the connection from idling out; a peer that sends
 * anything else is put out. A connection that the table has lost is not found by pushes, and would stay silent for two
 * hours: it is ended, and whoever has it connects again.
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
