/**
 * The API Gateway of one machine: one HTTP server with three APIs, each with the limits and errors of the service.
 *
 *   /@connections/{id}, with or without a stage before it   the management API (gateway-management.ts)
 *   /ws, upgraded                                           the WebSocket API (gateway-websocket.ts)
 *   everything else                                         the REST API (gateway-rest.ts)
 *
 * Signatures are not checked. The management API accepts only callers on this machine.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { StraightwayError } from '../shared/errors.ts'
import { GATEWAY_LIMITS, type GatewayLimits } from './gateway-limits.ts'
import { managementDoor, managementPath } from './gateway-management.ts'
import { type RestHandler, restDoor } from './gateway-rest.ts'
import { refuseUpgrade, WebSocketDoor, type WebSocketHandlers } from './gateway-websocket.ts'

export interface GatewayOptions {
  readonly host?: string
  /** Port to listen on. Default: a free one. */
  readonly port?: number
  readonly rest: RestHandler
  readonly websocket: WebSocketHandlers
  /** Limits that differ from those of the service. */
  readonly limits?: Partial<GatewayLimits>
}

export interface Gateway {
  /** Base URL `http://host:port`, which is also the endpoint for clients of the management API. */
  readonly url: string
  readonly websocketUrl: string
  /** Closes every connection, runs `$disconnect` for each, and waits for calls in progress. */
  close(): Promise<void>
}

/** Starts the gateway. Rejects with `unavailable` if the port is in use or the host is not an address of this machine. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const limits = { ...GATEWAY_LIMITS, ...options.limits }
  const websocket = new WebSocketDoor(options.websocket, limits)
  const rest = restDoor(options.rest, limits)
  const manage = managementDoor(websocket, limits)
  const server = createServer(serverOptions(limits), (request, response) => {
    const connection = managementPath(request.url)
    const answered =
      connection === undefined ? rest(request, response) : manage(request, response, connection)
    answered.catch(() => response.destroy())
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    if (request.url?.split('?')[0] !== '/ws') refuseUpgrade(socket, 404)
    else void websocket.upgrade(request, socket, head)
  })
  const { host = '127.0.0.1', port = 0 } = options
  server.listen(port, host)
  await once(server, 'listening').catch((cause) => {
    throw cannotListen(host, port, cause)
  })
  const authority = authorityOf(server)
  return {
    url: `http://${authority}`,
    websocketUrl: `ws://${authority}/ws`,
    async close() {
      server.close()
      await websocket.close()
      server.closeAllConnections()
    },
  }
}

function cannotListen(host: string, port: number, cause: NodeJS.ErrnoException): StraightwayError {
  const isBusy = cause.code === 'EADDRINUSE'
  const detail = isBusy
    ? `Port ${port} of ${host} is in use: stop the process that has it, or choose another port with --http HOST:PORT.`
    : `INDEX cannot listen on ${host} port ${port} (${cause.code}): choose an address of this machine with --http HOST:PORT.`
  return new StraightwayError('unavailable', detail, { cause })
}

function serverOptions(limits: GatewayLimits) {
  return {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: Math.min(limits.headersMs, 2_000) / 2,
  }
}

function authorityOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`
}
