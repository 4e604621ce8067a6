/**
 * The single WebSocket between a peer and the gateway, used while the network drops UDP (shared/carried.ts). It is open
 * while at least one socket of the peer is carried; each has its own port on it.
 *
 * - If the link is lost, it reconnects by itself: after 0.25 s, doubling up to 8 s.
 * - It is renewed before API Gateway ends it after two hours.
 * - It needs no pings, because each carried socket sends keep-alives.
 */
import { type CarriedService, carriedAnswerOf, type PeerDatagram } from '../carried.ts'
import type { NodeId } from '../ids.ts'
import { fromBase64, toBase64 } from '../wire/base64.ts'
import { later } from './pause.ts'

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 8_000
const LIFE_MS = 110 * 60_000
/** Datagrams queued until the link is open. If there are more, the oldest is dropped. */
const MOST_WAITING = 32
/** Bytes queued on a slow network. Datagrams above that are dropped. */
const MOST_WAITING_BYTES = 256 * 1024

/** A WebSocket that shows its proof to the gateway as it connects. */
export interface GatewaySocket {
  readonly isOpen: boolean
  /** Bytes that wait to be sent. */
  readonly bufferedAmount: number
  send(text: string): void
  /** Closes it, also while it connects. */
  close(): void
}

export interface GatewaySocketEvents {
  readonly opened: () => void
  readonly received: (text: string) => void
  /** It is closed, or could not be opened. */
  readonly closed: () => void
}

/** Opens a WebSocket. No event comes before it has returned. */
export type DialGateway = (url: string, proof: string, events: GatewaySocketEvents) => GatewaySocket

export interface GatewayLinkOptions {
  readonly dial: DialGateway
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
  #socket: GatewaySocket | undefined
  #waiting: string[] = []
  #waitMs = FIRST_WAIT_MS
  #timer: ReturnType<typeof setTimeout> | undefined
  #wasOpen = false

  constructor(options: GatewayLinkOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#socket?.isOpen === true
  }

  open(port: Port): LinkPort {
    const number = this.#freePort()
    this.#ports.set(number, port)
    if (this.#socket === undefined) this.#connect()
    const { service } = port
    return {
      send: (node, bytes) => {
        this.#send({ kind: 'datagram', node, service, port: number, bytes: toBase64(bytes) })
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
    const { dial, proof } = this.#options
    const socket: GatewaySocket = dial(url, proof(), {
      opened: () => this.#opened(socket),
      received: (text) => this.#received(text),
      closed: () => this.#lost(socket),
    })
    this.#socket = socket
  }

  #opened(socket: GatewaySocket): void {
    this.#waitMs = FIRST_WAIT_MS
    this.#timer = later(() => socket.close(), LIFE_MS)
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
    if (port?.service === said.service) port.receive(fromBase64(said.bytes), said.node)
  }

  #lost(socket: GatewaySocket): void {
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
    socket?.close()
  }
}
