/** The management API of WebSocket connections, as `@aws-sdk/client-apigatewaymanagementapi` uses it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GatewayLimits } from './gateway-limits.ts'
import { bodyOf, sourceIpOf, targetOf } from './gateway-request.ts'
import type { WebSocketDoor } from './gateway-websocket.ts'

/** Id of the connection in a path; undefined if the path is not of this API. */
export function managementPath(url: string | undefined): string | undefined {
  return /^(?:\/[^/]+)?\/@connections\/([^/]+)$/.exec(decoded(targetOf(url).path))?.[1]
}

export function managementDoor(websocket: WebSocketDoor, limits: GatewayLimits) {
  return async (request: IncomingMessage, response: ServerResponse, id: string): Promise<void> => {
    if (!isOfThisMachine(request)) return refuse(response, 403, 'ForbiddenException', 'Forbidden')
    switch (request.method) {
      case 'POST': {
        const data = await bodyOf(request, limits.messageBytes)
        if (data === undefined) return refuse(response, 413, 'PayloadTooLargeException', 'Message too long')
        const outcome = websocket.post(id, data)
        if (outcome === 'busy') return refuse(response, 429, 'LimitExceededException', 'Receiver too slow')
        return outcome === 'gone' ? gone(response) : void response.end()
      }
      case 'GET': {
        const state = websocket.describe(id)
        if (state === undefined) return gone(response)
        return void response.setHeader('content-type', 'application/json').end(JSON.stringify(state))
      }
      case 'DELETE':
        return websocket.end(id) ? void response.writeHead(204).end() : gone(response)
      default:
        return refuse(response, 403, 'ForbiddenException', 'Forbidden')
    }
  }
}

const gone = (response: ServerResponse): void => refuse(response, 410, 'GoneException', 'Gone')

function refuse(response: ServerResponse, status: number, type: string, message: string): void {
  const headers = { 'content-type': 'application/json', 'x-amzn-errortype': type, connection: 'close' }
  response.writeHead(status, headers).end(JSON.stringify({ message }))
}

/** True if a request comes over loopback, or from the address that the gateway listens on, which the functions use. */
function isOfThisMachine(request: IncomingMessage): boolean {
  const ip = sourceIpOf(request)
  const isLoopback = ip === '::1' || ip.startsWith('127.')
  return isLoopback || request.socket.remoteAddress === request.socket.localAddress
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
