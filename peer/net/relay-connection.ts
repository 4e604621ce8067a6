/**
 * The leg to one relay over TLS. What it is to send opens the connection, and opens it again after it broke; while it is
 * being opened a few datagrams wait, and beyond what is bounded they are lost, as on any network. The relay is known by
 * the pin of its key; nothing is said to anyone else.
 *
 *   closed   until there is something to send, and after a failure until a pause is over (0.25 s, 0.5 s, .. 8 s)
 *   opening  at most 5 s
 *   open     until either side ends it
 *   ended    for good
 */
import { createHash } from 'node:crypto'
import { isIPv6, type Socket } from 'node:net'
import tls from 'node:tls'
import type { TlsEndpoint } from '../../shared/directory.ts'
import { now } from '../../shared/drive/clock.ts'
import { toBase32 } from '../../shared/ids.ts'
import { DatagramReader, framed } from '../../shared/wire/datagram-stream.ts'
import { connectThrough, proxyFor } from './proxy.ts'

/** The pin stands in place of names and authorities. */
const TLS = { minVersion: 'TLSv1.3', rejectUnauthorized: false } as const
const OPEN_MS = 5_000
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 8_000
/** A BIND, and what the application sends meanwhile. */
const MAX_WAITING = 64
/** 100 Mbit/s over 20 ms; more would only make datagrams late. */
const MAX_QUEUED_BYTES = 256 * 1024

export interface RelayConnectionOptions {
  /** IP of the relay. */
  readonly host: string
  /** As it is known now; undefined where it is not. */
  readonly endpoint: () => TlsEndpoint | undefined
  /** Where it should be is nobody, or somebody else: it may have been replaced. */
  readonly missed: () => void
  /** `bytes` are the receiver's to keep. */
  readonly receive: (bytes: Uint8Array) => void
}

type State =
  | { readonly kind: 'closed'; readonly retryAt: number }
  /** Without a socket while a proxy connects. */
  | { readonly kind: 'opening'; readonly socket?: tls.TLSSocket; readonly waiting: Uint8Array[] }
  | { readonly kind: 'open'; readonly socket: tls.TLSSocket }
  | { readonly kind: 'ended' }

export class RelayConnection {
  readonly #options: RelayConnectionOptions
  #state: State = { kind: 'closed', retryAt: 0 }
  #pauseMs = FIRST_PAUSE_MS

  constructor(options: RelayConnectionOptions) {
    this.#options = options
  }

  send(datagram: Uint8Array): void {
    if (this.#state.kind === 'closed' && now() >= this.#state.retryAt) this.#open()
    if (this.#state.kind === 'open') write(this.#state.socket, framed(datagram))
    else if (this.#state.kind === 'opening' && this.#state.waiting.length < MAX_WAITING)
      this.#state.waiting.push(framed(datagram))
  }

  close(): void {
    const state = this.#state
    this.#state = { kind: 'ended' }
    if (state.kind === 'opening') state.socket?.destroy()
    else if (state.kind === 'open') state.socket.destroySoon()
  }

  #open(): void {
    const endpoint = this.#options.endpoint()
    if (endpoint === undefined) {
      this.#rest()
      return
    }
    const { host } = this.#options
    const { port, pin } = endpoint
    const proxy = proxyFor(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`)
    if (proxy === undefined) this.#secure(tls.connect({ host, port, ...TLS }), pin, [])
    else this.#dial(connectThrough(proxy, host, port), pin)
  }

  #dial(dialled: Promise<Socket>, pin: string): void {
    const opening: State = { kind: 'opening', waiting: [] }
    this.#state = opening
    dialled.then(
      (socket) => {
        if (this.#state === opening) this.#secure(tls.connect({ socket, ...TLS }), pin, opening.waiting)
        else socket.destroy()
      },
      () => this.#state === opening && this.#rest(),
    )
  }

  #secure(socket: tls.TLSSocket, pin: string, waiting: Uint8Array[]): void {
    socket.setNoDelay()
    socket.setTimeout(OPEN_MS, () => socket.destroy())
    socket.on('error', () => {})
    socket.on('secureConnect', () => (pinOf(socket) === pin ? this.#opened(socket) : socket.destroy()))
    socket.on('close', () => this.#closed())
    this.#state = { kind: 'opening', socket, waiting }
  }

  #opened(socket: tls.TLSSocket): void {
    if (this.#state.kind !== 'opening') return
    const { waiting } = this.#state
    const reader = new DatagramReader()
    socket.setTimeout(0)
    socket.on('data', (chunk: Buffer) => {
      if (!reader.push(chunk, (datagram) => this.#receive(datagram))) socket.destroy()
    })
    this.#state = { kind: 'open', socket }
    for (const bytes of waiting) write(socket, bytes)
  }

  #receive(datagram: Uint8Array): void {
    if (this.#state.kind !== 'open') return
    this.#pauseMs = FIRST_PAUSE_MS
    this.#options.receive(datagram.slice())
  }

  #closed(): void {
    if (this.#state.kind === 'ended') return
    this.#rest()
  }

  #rest(): void {
    this.#state = { kind: 'closed', retryAt: now() + this.#pauseMs }
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS)
    this.#options.missed()
  }
}

/** What one turn of the event loop sends goes out as one record. */
function write(socket: tls.TLSSocket, bytes: Uint8Array): void {
  if (!socket.writable || socket.writableLength > MAX_QUEUED_BYTES) return
  if (socket.writableCorked === 0) {
    socket.cork()
    process.nextTick(() => socket.uncork())
  }
  socket.write(bytes)
}

function pinOf(socket: tls.TLSSocket): string | undefined {
  const spki = socket.getPeerX509Certificate()?.publicKey.export({ type: 'spki', format: 'der' })
  return spki && toBase32(createHash('sha256').update(spki).digest())
}
