/** Forwards datagrams between peers and nodes: each is posted to the WebSocket connection of its recipient. */
import type { NodeDatagram, NodeGone, PeerDatagram, PeerGone, PushedDatagram } from '../../shared/carried.ts'
import type { NodeConnection, PeerConnection } from '../../shared/store/connections.ts'
import type { GatewayContext } from './context.ts'

/**
 * Forwards to the node's newest connection that exists. If a connection does not accept the datagram in time it is
 * lost, as on any network. If no connection exists, the sender is told that the node is gone.
 */
export async function toNode(
  { connections, management }: GatewayContext,
  { connection: from, peer }: PeerConnection,
  { kind, node, service, port, bytes }: PeerDatagram,
): Promise<void> {
  const pushed: PushedDatagram = { kind, from, peer, service, port, bytes }
  for (const { connection } of await connections.ofNode(node))
    if ((await management.post(connection, JSON.stringify(pushed))) !== 'gone') return
  const gone: NodeGone = { kind: 'gone', node }
  await management.post(from, JSON.stringify(gone))
}

export async function toPeer(
  { connections, management }: GatewayContext,
  { connection: from, node }: NodeConnection,
  { kind, to, service, port, bytes }: NodeDatagram,
): Promise<void> {
  const peer = await connections.get(to)
  const carried: PeerDatagram = { kind, node, service, port, bytes }
  const isPeer = peer !== undefined && 'peer' in peer
  if (isPeer && (await management.post(to, JSON.stringify(carried))) !== 'gone') return
  const gone: PeerGone = { kind: 'gone', connection: to }
  await management.post(from, JSON.stringify(gone))
}
