/**
 * A TLS connection to one relay. A datagram to send opens the connection, also after it broke. A few datagrams are
 * queued while it opens; above the bounds they are lost, as on any network. The pin of its key identifies the relay;
 * nothing is sent to any other server.
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

/** The pin replaces the check of names and authorities. */
const TLS = { minVersion: 'TLSv1.3', rejectUnauthorized: false } as const
const OPEN_MS = 5_000
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 8_000
/** A BIND, and datagrams that the application sends in the meantime. */
const MAX_WAITING = 64
/** 100 Mbit/s over 20 ms. A longer queue would only delay datagrams. */
const MAX_QUEUED_BYTES = 256 * 1024

export interface RelayConnectionOptions {
  /** IP address of the relay. */
  readonly host: string
  /** The relay's TLS endpoint as known now; undefined if unknown. */
  readonly endpoint: () => TlsEndpoint | undefined
  /** Called if the relay cannot be reached, or another server answers in its place: it may have been replaced. */
  readonly missed: () => void
  /** Receives a datagram. It may keep `bytes`. */
  readonly receive: (bytes: Uint8Array) => void
}

type State =
  | { readonly kind: 'closed'; readonly retryAt: number }
  /** There is no socket while a proxy connects. */
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

/** Writes bytes. Those of one turn of the event loop leave as one TLS record. */
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
