/**
 * `$disconnect`: removes the connection, so that nothing is posted to it any more. AWS does not guarantee this call,
 * so entries expire as well.
 */
import middy from '@middy/core'
import { fromEnvironment } from '../environment.ts'
import { contextFrom, type GatewayContext } from './context.ts'
import type { WebSocketEvent, WebSocketResult } from './event.ts'

export function createDisconnect({ connections }: GatewayContext) {
  return middy<WebSocketEvent, WebSocketResult>().handler(async ({ requestContext }) => {
    await connections.remove(requestContext.connectionId)
    return { statusCode: 200 }
  })
}

export const handler = fromEnvironment(contextFrom, createDisconnect)
