/**
 * The REST API: one proxy integration (payload format 1.0), whose handler routes requests itself. Like the service, it
 * answers 413 if the body is too long, 502 if the handler throws or its result is invalid, and 504 if it takes too
 * long.
 */
import { isUtf8 } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import { StraightwayError } from '../shared/errors.ts'
import type { GatewayLimits } from './gateway-limits.ts'
import { bodyOf, domainNameOf, headersOf, sourceIpOf, targetOf, valuesOf } from './gateway-request.ts'
import { invoke, type LambdaHandler } from './lambda.ts'

export type RestHandler = LambdaHandler<APIGatewayProxyEvent, APIGatewayProxyResult>

export function restDoor(handler: RestHandler, limits: GatewayLimits) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = randomUUID()
    response.setHeader('x-amzn-requestid', requestId)
    const body = await bodyOf(request, limits.requestBytes)
    if (body === undefined) return refuse(response, 413, 'Request Too Long')
    const event = eventOf(request, body, requestId)
    if (tooLong(event, limits)) return refuse(response, 413, 'Request Too Long')
    try {
      const result = await invoke(handler, event, { name: 'rest', timeoutMs: limits.integrationMs })
      if (tooLong(result, limits)) throw new RangeError('the result of the handler is too long')
      answer(response, result)
    } catch (error) {
      explain(event, error)
      if (isTimeout(error)) refuse(response, 504, 'Endpoint request timed out')
      else refuse(response, 502, 'Internal server error')
    }
  }
}

function eventOf(request: IncomingMessage, body: Buffer, requestId: string): APIGatewayProxyEvent {
  const { path, query } = targetOf(request.url)
  const headers = headersOf(request)
  const parameters = valuesOf(query)
  const text = isText(request.headers['content-type']) && isUtf8(body)
  return {
    resource: '/{proxy+}',
    path,
    httpMethod: request.method ?? 'GET',
    headers: headers.single,
    multiValueHeaders: headers.multi,
    queryStringParameters: query.size > 0 ? parameters.single : null,
    multiValueQueryStringParameters: query.size > 0 ? parameters.multi : null,
    pathParameters: { proxy: path.slice(1) },
    stageVariables: null,
    requestContext: contextOf(request, path, requestId),
    body: body.length > 0 ? body.toString(text ? 'utf8' : 'base64') : null,
    isBase64Encoded: body.length > 0 && !text,
  }
}

function contextOf(request: IncomingMessage, path: string, requestId: string) {
  const now = new Date()
  const identity = { sourceIp: sourceIpOf(request), userAgent: request.headers['user-agent'] ?? null }
  return {
    accountId: '000000000000',
    apiId: 'local',
    authorizer: null,
    domainName: domainNameOf(request),
    httpMethod: request.method ?? 'GET',
    identity: identity as APIGatewayProxyEvent['requestContext']['identity'],
    path,
    protocol: `HTTP/${request.httpVersion}`,
    requestId,
    requestTime: now.toUTCString(),
    requestTimeEpoch: now.getTime(),
    resourceId: 'proxy',
    resourcePath: '/{proxy+}',
    stage: 'local',
  }
}

/** Writes the result of a handler. Throws if it is not the result of a proxy integration. */
function answer(response: ServerResponse, result: APIGatewayProxyResult): void {
  const { statusCode, headers = {}, multiValueHeaders = {}, body = '', isBase64Encoded = false } = result
  if (!Number.isInteger(statusCode) || statusCode < 100 || typeof body !== 'string') {
    throw new TypeError('a handler answers { statusCode, headers?, body? }, with a body of text')
  }
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, `${value}`)
  for (const [name, values] of Object.entries(multiValueHeaders)) {
    response.setHeader(name, (values ?? []).map(String))
  }
  response.writeHead(statusCode).end(Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'))
}

/** Sends an error and closes the connection, so that the rest of the request need not be read. */
export function refuse(response: ServerResponse, status: number, message: string): void {
  for (const name of response.getHeaderNames()) if (name !== 'x-amzn-requestid') response.removeHeader(name)
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
  response.end(JSON.stringify({ message }))
}

export const isTimeout = (error: unknown): boolean =>
  error instanceof StraightwayError && error.code === 'timeout'

function explain({ httpMethod, path }: APIGatewayProxyEvent, error: unknown): void {
  console.error(`${httpMethod} ${path}:`, error)
}

const tooLong = (payload: unknown, { payloadBytes }: GatewayLimits): boolean =>
  Buffer.byteLength(JSON.stringify(payload) ?? '') > payloadBytes

const isText = (contentType = 'text/plain'): boolean => /^text\/|json|xml|urlencoded/i.test(contentType)
