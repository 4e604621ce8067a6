/**
 * `$connect`: admits a node or a peer to the WebSocket API. Anything else is refused with 401.
 *
 *   - A node proves its identity by a token made with a fleet key. It is reached through the new connection from then
 *     on. It ends its earlier connection itself, so that pushes still arrive there until the new one is open.
 *   - A peer without UDP proves by a proof that it holds its key, and must be enrolled.
 *
 * The token is in the header `Authorization`, or, from a browser, one of two subprotocols (shared/carried.ts). A page of
 * any origin may connect, because a browser sends no credential here on its own.
 */
import middy from '@middy/core'
import { GATEWAY_PROTOCOL } from '../../shared/carried.ts'
import type { PeerConnection } from '../../shared/store/connections.ts'
import { fromEnvironment } from '../environment.ts'
import { audiencesOf } from '../proof.ts'
import { contextFrom, type GatewayContext } from './context.ts'
import { isEnrolled, proven } from './enrolled-peer.ts'
import type { WebSocketEvent, WebSocketResult } from './event.ts'
import { nodeOf } from './node-token.ts'

const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/
const PROTOCOL_HEADER = 'Sec-WebSocket-Protocol'

/** API Gateway ends a connection after two hours. The entry of one whose `$disconnect` was missed expires then. */
const LIFE_SECONDS = 7_200

export function createConnect(context: GatewayContext) {
  return middy<WebSocketEvent, WebSocketResult>().handler(async ({ headers = {}, requestContext }) => {
    const offered = protocolsOf(headers)
    const token = bearerOf(headers) ?? offered.find((protocol) => TOKEN.test(protocol)) ?? ''
    if (!(await admit(context, token, requestContext))) return { statusCode: 401 }
    const isBrowser = offered.includes(GATEWAY_PROTOCOL)
    return { statusCode: 200, ...(isBrowser && { headers: { [PROTOCOL_HEADER]: GATEWAY_PROTOCOL } }) }
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

type Headers = Readonly<Record<string, string>>

/** The bearer token; undefined if there is none. */
function bearerOf(headers: Headers): string | undefined {
  const [scheme, token = ''] = headerOf(headers, 'authorization').split(' ')
  return scheme?.toLowerCase() === 'bearer' && TOKEN.test(token) ? token : undefined
}

/** The subprotocols that the caller offers. */
const protocolsOf = (headers: Headers): readonly string[] =>
  headerOf(headers, PROTOCOL_HEADER.toLowerCase()).split(/\s*,\s*/)

const headerOf = (headers: Headers, wanted: string): string =>
  Object.entries(headers).find(([name]) => name.toLowerCase() === wanted)?.[1] ?? ''
