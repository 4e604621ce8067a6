/**
 * `$connect`: admits a node or a peer to the WebSocket API. Anything else is refused with 401.
 *
 *   - A node proves its identity by a token made with a fleet key. It is reached through the new connection from then
 *     on. It ends its earlier connection itself, so that pushes still arrive there until the new one is open.
 *   - A peer, whose network drops UDP, proves by a proof that it holds its key, and must be enrolled.
 */
import middy from '@middy/core'
import type { PeerConnection } from '../../shared/store/connections.ts'
import { fromEnvironment } from '../environment.ts'
import { audiencesOf } from '../proof.ts'
import { contextFrom, type GatewayContext } from './context.ts'
import { isEnrolled, proven } from './enrolled-peer.ts'
import type { WebSocketEvent, WebSocketResult } from './event.ts'
import { nodeOf } from './node-token.ts'

/** API Gateway ends a connection after two hours. The entry of one whose `$disconnect` was missed expires then. */
const LIFE_SECONDS = 7_200

export function createConnect(context: GatewayContext) {
  return middy<WebSocketEvent, WebSocketResult>().handler(async ({ headers = {}, requestContext }) => {
    const isIn = await admit(context, bearerOf(headers), requestContext)
    return { statusCode: isIn ? 200 : 401 }
  })
}

export const handler = fromEnvironment(contextFrom, createConnect)

async function admit(
  context: GatewayContext,
  token: string,
  { connectionId: connection, domainName }: WebSocketEvent['requestContext'],
): Promise<boolean> {
  const now = context.now()
  const times = timesFrom(now)
  const node = await nodeOf(token, context.fleetKeys)
  if (node !== undefined) {
    await context.connections.add({ connection, node, ...times })
    return true
  }
  const audiences = audiencesOf('gateway', domainName, context.hosts)
  const peer = await proven(token, { client: context.client, audiences, now })
  if (peer === undefined) return false
  return admitPeer(context, { connection, peer, ...times })
}

/**
 * Adds the connection first, then checks the peer. A revocation at the same time is either seen by the check, or
 * finds the connection and ends it.
 */
async function admitPeer(context: GatewayContext, connected: PeerConnection): Promise<boolean> {
  await context.connections.add(connected)
  const isIn = await isEnrolled(context, connected.peer)
  if (!isIn) await context.connections.remove(connected.connection)
  return isIn
}

const timesFrom = (connectedAt: number) => ({
  connectedAt,
  expiresAtSeconds: Math.floor(connectedAt / 1000) + LIFE_SECONDS,
})

/** The bearer token, or an empty string. */
function bearerOf(headers: Readonly<Record<string, string>>): string {
  const [, value] = Object.entries(headers).find(([name]) => name.toLowerCase() === 'authorization') ?? []
  return /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(value ?? '')?.[1] ?? ''
}
