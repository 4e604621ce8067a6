/**
 * The one WebSocket that a node holds open to the gateway: what the stream functions push comes through it, and what peers
 * without UDP and this node say to each other goes through it. It is opened again by itself, after 0.25 s doubling to 8 s.
 * Before API Gateway's end of two hours another takes its place, and until that is open it stays, so that nothing is lost
 * then. A way that died without a word is found by its silence. What was pushed between two connections is lost: `onLost` and
 * `onOpen` say when, so that the node does not believe its memory meanwhile and reads again what it missed.
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
  /** Of peers whose network drops UDP. */
  readonly onCarried?: (said: PushedDatagram | PeerGone) => void
  /** Pushes arrive from now on; some may have been missed before. */
  readonly onOpen?: () => void
  /** They do not arrive from now on. */
  readonly onLost?: () => void
  /** How often it is asked whether the gateway is there; 15 s by default. */
  readonly aliveMs?: number
  readonly log?: (what: string, error?: unknown) => void
}

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 8_000
/** API Gateway ends a connection after two hours; we leave earlier, when it suits us. */
const LIFE_MS = 110 * 60_000
/** API Gateway ends a connection without a message for ten minutes; control frames are no messages. */
const PING_MS = 5 * 60_000
const HANDSHAKE_MS = 10_000
/** How often the gateway is asked whether it is there. After two questions without an answer it is not. */
const ALIVE_MS = 15_000
/** What waits for the gateway to take it; more is dropped, as on any network. */
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
  /** The one in use; another that is being made may take its place. */
  #socket: WebSocket | undefined
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

  /** False where it was dropped: the gateway is away, or takes too little. */
  send(datagram: NodeDatagram): boolean {
    const socket = this.#socket
    if (socket?.readyState !== WebSocket.OPEN || socket.bufferedAmount > MOST_WAITING_BYTES) return false
    socket.send(JSON.stringify(datagram))
    return true
  }

  /** The next connection is opened with it. */
  setFleetKey(fleetKey: Uint8Array): void {
    this.#fleetKey = fleetKey
  }

  /** Another connection takes the place of this one, as soon as it is open. */
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

  /** One that another has replaced is no loss. */
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

/** Asks by control frames, which cost nothing. A gateway that never answers them is not judged by that. */
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

/** Those of a message; kinds that this node does not know are left out. Undefined if it is no message of pushes. */
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
