/**
 * The WebSocket API. The life of a connection:
 *
 *   upgrade      `$connect` is asked first; any status but 2xx refuses the handshake with it, an error with 502
 *   message      `$default`; what it answers is not sent, an error is told to the client
 *   end          by either side, by the management API, after 10 minutes without a message, after two hours: `$disconnect`
 *
 * If the caller disconnects while `$connect` runs, `$disconnect` is called too, so that nothing stays registered.
 */

import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type RawData, WebSocket, WebSocketServer } from 'ws'
import type { WebSocketEvent, WebSocketResult } from '../functions/gateway/event.ts'
import {
  type Caller,
  callerOf,
  connectEvent,
  disconnectEvent,
  type Identity,
  messageEvent,
} from './gateway-events.ts'
import type { GatewayLimits } from './gateway-limits.ts'
import { isTimeout } from './gateway-rest.ts'
import { invoke, type LambdaHandler } from './lambda.ts'

export type WebSocketHandler = LambdaHandler<WebSocketEvent, WebSocketResult>

export interface WebSocketHandlers {
  readonly connect: WebSocketHandler
  readonly disconnect: WebSocketHandler
  readonly message: WebSocketHandler
}

export interface ConnectionState {
  readonly connectedAt: string
  readonly lastActiveAt: string
  readonly identity: Identity
}

interface Connection extends Caller {
  readonly socket: WebSocket
  readonly idle: NodeJS.Timeout
  lastActiveAt: number
}

/** Time that a client gets to answer the close of its connection. */
const CLOSE_MS = 2_000

export class WebSocketDoor {
  readonly #handlers: WebSocketHandlers
  readonly #limits: GatewayLimits
  readonly #server: WebSocketServer
  readonly #connections = new Map<string, Connection>()
  readonly #underWay = new Set<Promise<unknown>>()
  /** The subprotocol that `$connect` selected for a handshake. */
  readonly #protocols = new WeakMap<IncomingMessage, string>()

  constructor(handlers: WebSocketHandlers, limits: GatewayLimits) {
    const handleProtocols = (_: Set<string>, request: IncomingMessage) =>
      this.#protocols.get(request) ?? false
    const options = {
      noServer: true,
      maxPayload: limits.frameBytes,
      closeTimeout: CLOSE_MS,
      handleProtocols,
    } as const
    this.#handlers = handlers
    this.#limits = limits
    this.#server = new WebSocketServer(options)
  }

  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    if (!isHandshake(request)) return refuseUpgrade(socket, 400)
    const caller = callerOf(request)
    const { status, protocol } = await this.#run('connect', connectEvent(caller)).then(admission, failure)
    if (protocol !== undefined) this.#protocols.set(request, protocol)
    if (status < 200 || status > 299) return refuseUpgrade(socket, status)
    const abandoned = () => void this.#disconnected(caller, 1006, '')
    if (socket.destroyed) return abandoned()
    socket.once('close', abandoned)
    this.#server.handleUpgrade(request, socket, head, (opened) => {
      socket.off('close', abandoned)
      this.#open(caller, opened)
    })
  }

  /** Sends data to a connection: as text if it is UTF-8, else as binary. Does not wait for its arrival. */
  post(id: string, data: Buffer): 'sent' | 'gone' | 'busy' {
    const connection = this.#openConnection(id)
    if (connection === undefined) return 'gone'
    if (connection.socket.bufferedAmount > this.#limits.backlogBytes) return 'busy'
    active(connection)
    connection.socket.send(data, { binary: !isUtf8(data) }, nothing)
    return 'sent'
  }

  /** State of a connection, as the answer of GetConnection. */
  describe(id: string): ConnectionState | undefined {
    const connection = this.#openConnection(id)
    return connection && stateOf(connection)
  }

  /** Closes a connection. Returns false if there is none with this id. */
  end(id: string): boolean {
    const connection = this.#openConnection(id)
    connection?.socket.close(1000, 'Connection closed')
    return connection !== undefined
  }

  async close(): Promise<void> {
    while (this.#connections.size + this.#underWay.size > 0) {
      const ended = [...this.#connections.values()].map(({ socket }) => goneAway(socket))
      await Promise.all([...ended, ...this.#underWay])
    }
  }

  #open(caller: Caller, socket: WebSocket): void {
    const goAway = () => socket.close(1001, 'Going away')
    const idle = setTimeout(goAway, this.#limits.idleMs)
    const old = setTimeout(goAway, this.#limits.connectionMs)
    const connection: Connection = { ...caller, socket, idle, lastActiveAt: Date.now() }
    this.#connections.set(caller.id, connection)
    socket.on('message', (data, binary) => void this.#received(connection, data, binary))
    socket.on('error', nothing)
    socket.once('close', (code, reason) => {
      clearTimeout(idle)
      clearTimeout(old)
      this.#connections.delete(caller.id)
      void this.#disconnected(caller, code, reason.toString())
    })
  }

  async #received(connection: Connection, data: RawData, binary: boolean): Promise<void> {
    active(connection)
    const event = messageEvent(connection, data as Buffer, binary)
    try {
      await this.#run('message', event)
    } catch (error) {
      console.error('$default:', error)
      const { connectionId, requestId } = event.requestContext
      const message = JSON.stringify({ message: 'Internal server error', connectionId, requestId })
      connection.socket.send(message, nothing)
    }
  }

  async #disconnected(caller: Caller, code: number, reason: string): Promise<void> {
    await this.#run('disconnect', disconnectEvent(caller, code, reason)).catch((error) => {
      console.error('$disconnect:', error)
    })
  }

  #run(route: keyof WebSocketHandlers, event: WebSocketEvent): Promise<WebSocketResult> {
    const invocation = { name: route, timeoutMs: this.#limits.integrationMs }
    const running = invoke(this.#handlers[route], event, invocation)
    const settled = running.then(nothing, nothing).finally(() => this.#underWay.delete(settled))
    this.#underWay.add(settled)
    return running
  }

  #openConnection(id: string): Connection | undefined {
    const connection = this.#connections.get(id)
    return connection?.socket.readyState === WebSocket.OPEN ? connection : undefined
  }
}

function goneAway(socket: WebSocket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  socket.once('close', () => resolve())
  socket.close(1001, 'Going away')
  return promise
}

/** Refuses an upgrade request with a plain HTTP answer. */
export function refuseUpgrade(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
  socket.once('finish', () => socket.destroy())
}

function active(connection: Connection): void {
  connection.lastActiveAt = Date.now()
  connection.idle.refresh()
}

function isHandshake({ method, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    headers['sec-websocket-version'] === '13' &&
    /^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')
  )
}

function stateOf({ connectedAt, lastActiveAt, identity }: Connection): ConnectionState {
  return {
    connectedAt: new Date(connectedAt).toISOString(),
    lastActiveAt: new Date(lastActiveAt).toISOString(),
    identity,
  }
}

interface Admission {
  readonly status: number
  readonly protocol?: string
}

function admission(result: WebSocketResult | undefined): Admission {
  const named = Object.entries(result?.headers ?? {})
  const protocol = named.find(([name]) => name.toLowerCase() === 'sec-websocket-protocol')?.[1]
  return { status: result?.statusCode ?? 502, ...(protocol !== undefined && { protocol }) }
}

function failure(error: unknown): Admission {
  console.error('$connect:', error)
  return { status: isTimeout(error) ? 504 : 502 }
}

const nothing = (): void => {}
