/**
 * `$default`: anything that a node sends. It has nothing to say but that it is there, which keeps the connection from idling
 * out, and we look whether pushes still find it: a connection that the table has lost would stay silent for two hours, so
 * it is ended and the node connects again.
 */
import middy from '@middy/core'
import { fromEnvironment } from '../environment.ts'
import { contextFrom, type GatewayContext } from './context.ts'
import type { WebSocketEvent, WebSocketResult } from './event.ts'

export function createMessage(context: GatewayContext) {
  return middy<WebSocketEvent, WebSocketResult>().handler(async ({ requestContext: { connectionId } }) => {
    if (!(await context.connections.has(connectionId))) await context.management.end(connectionId)
    return { statusCode: 200 }
  })
}

export const handler = fromEnvironment(contextFrom, createMessage)
