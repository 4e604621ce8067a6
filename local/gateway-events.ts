/** Events of the WebSocket API in the form that its functions receive. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { WebSocketEvent } from '../functions/gateway/event.ts'
import { domainNameOf, headersOf, sourceIpOf, targetOf, valuesOf } from './gateway-request.ts'

export interface Identity {
  readonly sourceIp: string
  readonly userAgent: string
}

/** A client that asked for a connection, with the connection's id. */
export interface Caller {
  readonly id: string
  readonly connectedAt: number
  readonly request: IncomingMessage
  readonly identity: Identity
}

export function callerOf(request: IncomingMessage): Caller {
  const identity = { sourceIp: sourceIpOf(request), userAgent: request.headers['user-agent'] ?? '' }
  return { id: `${randomBytes(11).toString('base64url')}=`, connectedAt: Date.now(), request, identity }
}

export function connectEvent(caller: Caller): WebSocketEvent {
  const { query } = targetOf(caller.request.url)
  const headers = headersOf(caller.request)
  const parameters = valuesOf(query)
  return {
    headers: headers.single,
    ...(query.size > 0 && {
      queryStringParameters: parameters.single,
      multiValueQueryStringParameters: parameters.multi,
    }),
    requestContext: contextOf(caller, '$connect', 'CONNECT'),
    isBase64Encoded: false,
  }
}

export function messageEvent(caller: Caller, data: Buffer, binary: boolean): WebSocketEvent {
  const requestContext = contextOf(caller, '$default', 'MESSAGE')
  return { requestContext, body: data.toString(binary ? 'base64' : 'utf8'), isBase64Encoded: binary }
}

export function disconnectEvent(caller: Caller, code: number, reason: string): WebSocketEvent {
  const ended = { disconnectStatusCode: code, disconnectReason: reason }
  const requestContext = { ...contextOf(caller, '$disconnect', 'DISCONNECT'), ...ended }
  return { headers: headersOf(caller.request).single, requestContext, isBase64Encoded: false }
}

function contextOf(
  { id, connectedAt, request, identity }: Caller,
  routeKey: string,
  eventType: 'CONNECT' | 'MESSAGE' | 'DISCONNECT',
): WebSocketEvent['requestContext'] & { identity: Identity } {
  const now = new Date()
  const requestId = randomBytes(11).toString('base64url')
  return {
    routeKey,
    eventType,
    messageId: randomBytes(11).toString('base64url'),
    extendedRequestId: requestId,
    requestTime: now.toUTCString(),
    messageDirection: 'IN',
    stage: 'local',
    connectedAt,
    requestTimeEpoch: now.getTime(),
    requestId,
    domainName: domainNameOf(request),
    connectionId: id,
    apiId: 'local',
    identity,
  }
}
