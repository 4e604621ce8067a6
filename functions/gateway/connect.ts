/**
 * `$connect`: a node proves who it is and is reached through this connection from then on; its earlier connections end.
 * Whoever presents nothing that we know is refused with 401. Peers whose UDP is blocked will come through here with a
 * ticket.
 */
import middy from '@middy/core'
import type { NodeId } from '../../shared/ids.ts'
import type { Connection } from '../../shared/store/connections.ts'
import { fromEnvironment } from '../environment.ts'
import { contextFrom, type GatewayContext } from './context.ts'
import type { WebSocketEvent, WebSocketResult } from './event.ts'
import { nodeOf } from './node-token.ts'

/** API Gateway ends a connection after two hours; what is left of it then expires. */
const LIFE_SECONDS = 7_200

export function createConnect(context: GatewayContext) {
  return middy<WebSocketEvent, WebSocketResult>().handler(async ({ headers = {}, requestContext }) => {
    const token = bearerOf(headers)
    const node = token && (await nodeOf(token, context.fleetKeys))
    if (!node) return { statusCode: 401 }
    await register(context, node, requestContext.connectionId)
    return { statusCode: 200 }
  })
}

export const handler = fromEnvironment(contextFrom, createConnect)

async function register(context: GatewayContext, node: NodeId, connection: string): Promise<void> {
  const { connections, now } = context
  const connectedAt = now()
  const expiresAtSeconds = Math.floor(connectedAt / 1000) + LIFE_SECONDS
  await connections.add({ connection, node, connectedAt, expiresAtSeconds })
  const earlier = (await connections.ofNode(node)).filter(
    (other) => other.connection !== connection && other.connectedAt <= connectedAt,
  )
  await Promise.all(earlier.map((other) => end(context, other)))
}

/** The node has its new connection already: that an old one cannot be ended is no reason to refuse it. */
async function end({ connections, management }: GatewayContext, { connection }: Connection): Promise<void> {
  await connections.remove(connection)
  await management.end(connection).catch((error) => {
    console.error(`the connection ${connection} that was replaced could not be ended:`, error)
  })
}

function bearerOf(headers: Readonly<Record<string, string>>): string | undefined {
  const [, value] = Object.entries(headers).find(([name]) => name.toLowerCase() === 'authorization') ?? []
  return /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(value ?? '')?.[1]
}
