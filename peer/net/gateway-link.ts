/**
 * The one WebSocket that a peer whose network drops UDP has with the gateway (shared/carried.ts). It is there while some
 * socket of the peer is carried; each has a port of its own on it. Lost, it is opened again by itself, after 0.25 s doubling
 * to 8 s, and before API Gateway's end of two hours. It needs no pings: whoever is carried sends keep-alives.
 */
import WebSocket from 'ws'
import { type CarriedService, carriedAnswerOf, type PeerDatagram } from '../../shared/carried.ts'
import type { NodeId } from '../../shared/ids.ts'
import { connector, proxyFor } from './proxy.ts'

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 8_000
const HANDSHAKE_MS = 5_000
const LIFE_MS = 110 * 60_000
/** Datagrams that wait for it to open; the oldest is dropped. */
const MOST_WAITING = 32
/** What waits for a slow network; more is dropped. */
const MOST_WAITING_BYTES = 256 * 1024
const MESSAGE_BYTES = 128 * 1024

export interface GatewayLinkOptions {
  /** Where it is; undefined where that is not known. */
  readonly url: () => string | undefined
  /** What shows the gateway who we are. */
  readonly proof: () => string
  /** A node that was sent to is not there any more. */
  readonly onGone: (node: NodeId) => void
}

/** From which node, of the service that the port talks to. `bytes` are the receiver's to keep. */
export type ReceiveCarried = (bytes: Uint8Array, node: NodeId) => void

export interface LinkPort {
  send(node: NodeId, bytes: Uint8Array): void
  close(): void
}

/** What becomes of the link, for whom a port is open. */
export interface LinkEvents {
  /** The gateway cannot be reached. */
  readonly failed: () => void
  /** It is open again, and nodes do not know it yet: say something. */
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

  /** The network is another one: what was connected is not any more, whether it knows or not. */
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
