/**
 * The single WebSocket between a peer and the gateway, used while the network drops UDP (shared/carried.ts). It is open
 * while at least one socket of the peer is carried; each has its own port on it.
 *
 * - If the link is lost, it reconnects by itself: after 0.25 s, doubling up to 8 s.
 * - It is renewed before API Gateway ends it after two hours.
 * - It needs no pings, because each carried socket sends keep-alives.
 */
import WebSocket from 'ws'
import { type CarriedService, carriedAnswerOf, type PeerDatagram } from '../../shared/carried.ts'
import type { NodeId } from '../../shared/ids.ts'
import { connector, proxyFor } from './proxy.ts'

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 8_000
const HANDSHAKE_MS = 5_000
const LIFE_MS = 110 * 60_000
/** Datagrams queued until the link is open. If there are more, the oldest is dropped. */
const MOST_WAITING = 32
/** Bytes queued on a slow network. Datagrams above that are dropped. */
const MOST_WAITING_BYTES = 256 * 1024
const MESSAGE_BYTES = 128 * 1024

export interface GatewayLinkOptions {
  /** URL of the gateway; undefined if unknown. */
  readonly url: () => string | undefined
  /** Returns a signed proof of identity for the gateway. */
  readonly proof: () => string
  /** Called if a node that was sent to no longer exists. */
  readonly onGone: (node: NodeId) => void
}

/** Receives a datagram of a node's service. It may keep `bytes`. */
export type ReceiveCarried = (bytes: Uint8Array, node: NodeId) => void

export interface LinkPort {
  send(node: NodeId, bytes: Uint8Array): void
  close(): void
}

/** Events of the link for the owner of a port. */
export interface LinkEvents {
  /** The gateway is unreachable. */
  readonly failed: () => void
  /** The link is open again. Nodes do not know it yet, so the owner must send something. */
  readonly reopened: () => void
}

interface Port {
  readonly service: CarriedService
  readonly receive: ReceiveCarried
  readonly events: LinkEvents | undefined
}

export class GatewayLink {
  readonly #options: GatewayLinkOptions
  readonly #ports = new Map<number, Port>()
  #lastPort = 0
  #socket: WebSocket | undefined
  #waiting: string[] = []
  #waitMs = FIRST_WAIT_MS
  #timer: NodeJS.Timeout | undefined
  #wasOpen = false

  constructor(options: GatewayLinkOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN
  }

  open(port: Port): LinkPort {
    const number = this.#freePort()
    this.#ports.set(number, port)
    if (this.#socket === undefined) this.#connect()
    const { service } = port
    return {
      send: (node, bytes) => {
        const text = Buffer.from(bytes).toString('base64')
        this.#send({ kind: 'datagram', node, service, port: number, bytes: text })
      },
      close: () => {
        this.#ports.delete(number)
        if (this.#ports.size > 0) return
        this.#disconnect()
        this.#wasOpen = false
      },
    }
  }

  /** Reconnects because the network changed. The old connection is dead, even if that has not been noticed yet. */
  renew(): void {
    if (this.#ports.size === 0) return
    this.#disconnect()
    this.#connect()
  }

  #freePort(): number {
    do this.#lastPort = (this.#lastPort % 0xffff) + 1
    while (this.#ports.has(this.#lastPort))
    return this.#lastPort
  }

  #connect(): void {
    clearTimeout(this.#timer)
    const url = this.#options.url()
    if (url === undefined) {
      this.#again()
      return
    }
    const proxy = proxyFor(url)
    const socket = new WebSocket(url, {
      headers: { authorization: `Bearer ${this.#options.proof()}` },
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MESSAGE_BYTES,
      perMessageDeflate: false,
      ...(proxy !== undefined && { createConnection: connector(proxy, url.startsWith('wss:')) }),
    })
    this.#socket = socket
    socket.on('open', () => this.#opened(socket))
    socket.on('message', (data, isBinary) => isBinary || this.#received(data.toString()))
    socket.on('error', () => {})
    socket.on('close', () => this.#lost(socket))
  }

  #opened(socket: WebSocket): void {
    this.#waitMs = FIRST_WAIT_MS
    this.#timer = setTimeout(() => socket.close(1000), LIFE_MS).unref()
    for (const text of this.#waiting.splice(0)) socket.send(text)
    if (this.#wasOpen) for (const { events } of [...this.#ports.values()]) events?.reopened()
    this.#wasOpen = true
  }

  #send(datagram: PeerDatagram): void {
    const text = JSON.stringify(datagram)
    const socket = this.#socket
    if (socket === undefined || !this.isOpen) {
      this.#waiting.push(text)
      if (this.#waiting.length > MOST_WAITING) this.#waiting.shift()
    } else if (socket.bufferedAmount < MOST_WAITING_BYTES) socket.send(text)
  }

  #received(text: string): void {
    const said = carriedAnswerOf(text)
    if (said?.kind === 'gone') this.#options.onGone(said.node)
    if (said?.kind !== 'datagram') return
    const port = this.#ports.get(said.port)
    if (port?.service === said.service) port.receive(Buffer.from(said.bytes, 'base64'), said.node)
  }

  #lost(socket: WebSocket): void {
    if (socket !== this.#socket) return
    this.#socket = undefined
    this.#again()
  }

  #again(): void {
    clearTimeout(this.#timer)
    const hasFailed = this.#waitMs > FIRST_WAIT_MS
    this.#timer = setTimeout(() => this.#connect(), this.#waitMs)
    this.#waitMs = Math.min(2 * this.#waitMs, LONGEST_WAIT_MS)
    if (hasFailed) for (const { events } of [...this.#ports.values()]) events?.failed()
  }

  #disconnect(): void {
    clearTimeout(this.#timer)
    const socket = this.#socket
    this.#socket = undefined
    this.#waiting = []
    this.#waitMs = FIRST_WAIT_MS
    if (socket?.readyState === WebSocket.CONNECTING) socket.terminate()
    else socket?.close(1000)
  }
}
