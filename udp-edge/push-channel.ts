/**
 * The WebSocket that a node keeps open to the gateway. It carries the pushes of stream functions, and the datagrams between
 * this node and peers without UDP.
 *
 * - After a loss it reconnects, with a backoff that doubles from 0.25 s to 8 s.
 * - API Gateway ends each connection after two hours. Before that a new connection is opened, and the old one is closed only
 *   when the new one is open, so nothing is lost.
 * - A connection that died silently is detected by missing answers to pings.
 * - Pushes between two connections are lost. `onLost` and `onOpen` mark that time: in between, the node must not rely on its
 *   memory, and afterwards it reads again what it may have missed.
 */
import { SignJWT } from 'jose'
import WebSocket from 'ws'
import { carriedPushOf, type NodeDatagram, type PeerGone, type PushedDatagram } from '../shared/carried.ts'
import type { NodeId } from '../shared/ids.ts'
import type { Push } from '../shared/push.ts'

export interface PushChannelOptions {
  readonly url: string
  readonly node: NodeId
  readonly fleetKey: Uint8Array
  readonly onPush: (push: Push) => void
  /** Called with datagrams and ended connections of peers whose network drops UDP. */
  readonly onCarried?: (said: PushedDatagram | PeerGone) => void
  /** Called when pushes arrive again. Some may have been missed before. */
  readonly onOpen?: () => void
  /** Called when pushes no longer arrive. */
  readonly onLost?: () => void
  /** Interval of pings that check the connection. Default: 15 s. */
  readonly aliveMs?: number
  readonly log?: (what: string, error?: unknown) => void
}

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 8_000
/** Age at which a connection is replaced. API Gateway ends it after two hours. */
const LIFE_MS = 110 * 60_000
/** Interval of ping messages. API Gateway ends a connection after ten minutes without a message, and ignores control frames. */
const PING_MS = 5 * 60_000
const HANDSHAKE_MS = 10_000
/** Interval of control-frame pings. After two without an answer the connection is considered dead. */
const ALIVE_MS = 15_000
/** Most bytes in the send buffer. Datagrams above it are dropped, as on any network. */
const MOST_WAITING_BYTES = 1 << 20
const PING = JSON.stringify({ kind: 'ping' })
const KINDS = new Set<Push['kind']>([
  'presence',
  'membership',
  'metadata',
  'paths',
  'mail',
  'blocks',
  'revoked',
  'fleet',
])

export class PushChannel {
  readonly #options: PushChannelOptions
  /** The connection in use. */
  #socket: WebSocket | undefined
  /** The connection that is being opened to replace it. */
  #coming: WebSocket | undefined
  #isComing = false
  #wait = FIRST_WAIT_MS
  #timers: NodeJS.Timeout[] = []
  #retry: NodeJS.Timeout | undefined
  #closed = false
  #fleetKey: Uint8Array

  constructor(options: PushChannelOptions) {
    this.#options = options
    this.#fleetKey = options.fleetKey
    void this.#connect()
  }

  /** Sends a datagram. False if it was dropped, because there is no connection or the send buffer is full. */
  send(datagram: NodeDatagram): boolean {
    const socket = this.#socket
    if (socket?.readyState !== WebSocket.OPEN || socket.bufferedAmount > MOST_WAITING_BYTES) return false
    socket.send(JSON.stringify(datagram))
    return true
  }

  /** Sets the key with which the next connection is opened. */
  setFleetKey(fleetKey: Uint8Array): void {
    this.#fleetKey = fleetKey
  }

  /** Opens a new connection, which replaces the current one as soon as it is open. */
  renew(): void {
    if (!this.#isComing) void this.#connect()
  }

  close(): void {
    this.#closed = true
    this.#stopTimers()
    clearTimeout(this.#retry)
    for (const socket of [this.#socket, this.#coming]) {
      socket?.close(1000)
      setTimeout(() => socket?.terminate(), 500).unref()
    }
  }

  async #connect(): Promise<void> {
    this.#isComing = true
    const authorization = `Bearer ${await nodeToken(this.#options.node, this.#fleetKey)}`
    if (this.#closed) return
    const socket = new WebSocket(this.#options.url, {
      headers: { authorization },
      maxPayload: 128 * 1024,
      handshakeTimeout: HANDSHAKE_MS,
    })
    this.#coming = socket
    socket.on('open', () => this.#opened(socket))
    socket.on('message', (data, binary) => binary || this.#received(data.toString()))
    socket.on('error', (error) => this.#options.log?.('gateway', error))
    socket.on('close', () => this.#lost(socket))
  }

  #opened(socket: WebSocket): void {
    const before = this.#socket
    this.#stopTimers()
    this.#wait = FIRST_WAIT_MS
    this.#socket = socket
    this.#came()
    const life = setTimeout(() => this.renew(), LIFE_MS)
    const ping = setInterval(() => socket.send(PING), PING_MS)
    this.#timers.push(life, ping, endWhenSilent(socket, this.#options.aliveMs ?? ALIVE_MS))
    if (before === undefined) this.#options.onOpen?.()
    else before.close(1000)
  }

  /** Handles the end of a connection. The end of one that has been replaced already is ignored. */
  #lost(socket: WebSocket): void {
    if (socket === this.#socket) {
      this.#socket = undefined
      this.#stopTimers()
      if (!this.#closed) this.#options.onLost?.()
    } else if (socket === this.#coming) this.#came()
    else return
    if (!this.#closed && !this.#isComing) this.#connectLater()
  }

  #came(): void {
    this.#coming = undefined
    this.#isComing = false
  }

  #connectLater(): void {
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => this.renew(), this.#wait)
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS)
  }

  #received(text: string): void {
    const carried = carriedPushOf(text)
    const pushes = carried ? undefined : pushesOf(text)
    if (carried) this.#options.onCarried?.(carried)
    else if (pushes) for (const push of pushes) this.#options.onPush(push)
    else this.#options.log?.(`gateway: not a push: ${text.slice(0, 80)}`)
  }

  #stopTimers(): void {
    for (const timer of this.#timers.splice(0)) clearTimeout(timer)
  }
}

/**
 * Pings by control frames, which are free, and ends a connection that leaves two of them unanswered. A gateway that has never
 * answered one is assumed not to support them, and keeps its connection.
 */
function endWhenSilent(socket: WebSocket, everyMs: number): NodeJS.Timeout {
  let answers = false
  let unanswered = 0
  socket.on('pong', () => {
    answers = true
    unanswered = 0
  })
  socket.on('message', () => {
    unanswered = 0
  })
  return setInterval(() => {
    if (answers && unanswered >= 2) socket.terminate()
    unanswered++
    if (socket.readyState === WebSocket.OPEN) socket.ping()
  }, everyMs)
}

function nodeToken(node: NodeId, fleetKey: Uint8Array): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(node)
    .setAudience('straightway-gateway')
    .setIssuedAt()
    .setExpirationTime('2 minutes')
    .sign(fleetKey)
}

/** The pushes in a message, without kinds that this node does not know. Undefined if the message is not a list of pushes. */
function pushesOf(text: string): readonly Push[] | undefined {
  try {
    const values: unknown = JSON.parse(text)
    return Array.isArray(values) ? values.filter(isKnown) : undefined
  } catch {
    return undefined
  }
}

function isKnown(value: unknown): value is Push {
  return (
    typeof value === 'object' && value !== null && 'kind' in value && KINDS.has(value.kind as Push['kind'])
  )
}
