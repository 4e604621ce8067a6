/**
 * A TCP port of one machine on another: every connection is a stream named `tcp:PORT` on one tunnel. The serving side first
 * sends one byte, which says whether the stream is connected; then both sides send what the connections say.
 *
 *   0 connected    1 the port is not exposed    2 nothing listens at the port
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { StraightwayError } from '../../shared/errors.ts'
import { check, checkFunction, checkPort, checkText, taken } from '../arguments.ts'
import type { StreamOpener } from './send-files.ts'

const PREFIX = 'tcp:'
const CONNECTED = 0
const NOT_EXPOSED = 1
const NOBODY_LISTENS = 2

/** A tunnel whose end is told: a `PeerSocket` is one. */
export interface ForwardTunnel extends StreamOpener {
  /** Tells of the end of the tunnel, once. */
  once(event: 'close', listener: () => void): unknown
}

/** Which port is forwarded to where. */
export interface ForwardOptions {
  /** Called first, and again for a connection when the tunnel has ended since. */
  readonly tunnel: () => Promise<ForwardTunnel>
  readonly remotePort: number
  /** On this machine; 0: any. */
  readonly localPort: number
  /** Default: 127.0.0.1. */
  readonly localHost?: string
  /** Is called for a connection that failed; the others go on. */
  readonly onFault?: (error: StraightwayError) => void
}

/** A port that is forwarded. */
export interface Forward {
  readonly port: number
  /** Ends the connections that are open. */
  close(): Promise<void>
}

/**
 * Tries the other side's port once, and then listens. Rejects with `forbidden` when the port is not exposed there
 * (`serve`), `unavailable` when nothing listens at it, `conflict` when the local port is in use, and with what `tunnel`
 * rejects with; `bad-request` (an argument).
 */
export async function forwardTcp(given: ForwardOptions): Promise<Forward> {
  const options = taken(given)
  const { remotePort, localPort, localHost = '127.0.0.1', onFault = () => {} } = options
  check(typeof options.tunnel === 'function', 'tunnel', 'a function', options.tunnel)
  checkPort(remotePort, 'remotePort')
  checkPort(localPort, 'localPort', 0)
  checkText(localHost, 'localHost')
  checkFunction(onFault, 'onFault')
  const tunnel = reopening(options.tunnel)
  const open = async () => connected(await tunnel(), remotePort)
  ;(await open()).destroy()
  const connections = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (connection) => {
    connections.add(connection)
    connection.on('error', () => connection.destroy())
    connection.on('close', () => connections.delete(connection))
    open().then(
      (stream) => joined(connection, stream).catch(() => {}),
      (error: StraightwayError) => {
        connection.destroy()
        onFault(error)
      },
    )
  })
  server.listen(localPort, localHost)
  await once(server, 'listening').catch((error) => Promise.reject(cannotListen(error, localPort)))
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close()
      for (const connection of connections) connection.destroy()
      await once(server, 'close')
    },
  }
}

export const isTcpStream = (name: string): boolean => /^tcp:\d{1,5}$/.test(name)

/** Connects a stream named `tcp:PORT` with that port of this machine, if it is among `ports`. */
export function serveTcp(stream: Duplex, name: string, ports: readonly number[]): void {
  const port = Number(name.slice(PREFIX.length))
  stream.on('error', () => {})
  stream.allowHalfOpen = true
  if (!ports.includes(port)) {
    refuse(stream, NOT_EXPOSED)
    return
  }
  const connection = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  let isConnected = false
  connection.once('connect', () => {
    isConnected = true
    stream.write(Buffer.of(CONNECTED))
    joined(connection, stream).catch(() => {})
  })
  connection.on('error', (error) => (isConnected ? stream.destroy(error) : refuse(stream, NOBODY_LISTENS)))
  stream.once('close', () => connection.destroy())
}

function refuse(stream: Duplex, why: number): void {
  stream.end(Buffer.of(why))
  stream.resume()
}

async function connected(tunnel: StreamOpener, port: number): Promise<Duplex> {
  const stream = await tunnel.createStream({ name: `${PREFIX}${port}`, allowHalfOpen: true })
  stream.on('error', () => {})
  const status = await firstByte(stream)
  if (status === CONNECTED) return stream
  stream.destroy()
  if (status === NOT_EXPOSED) {
    const detail = `The other peer does not expose port ${port}: there, \`straightway up --expose ${port}\` does.`
    throw new StraightwayError('forbidden', detail)
  }
  throw new StraightwayError(
    'unavailable',
    status === NOBODY_LISTENS
      ? `Nothing listens at port ${port} of the other peer: start its server.`
      : 'The other peer ended the stream before it was connected: try again.',
  )
}

/** Undefined when the stream ended before. */
async function firstByte(stream: Duplex): Promise<number | undefined> {
  for (;;) {
    const byte = stream.read(1) as Buffer | null
    if (byte !== null) return byte[0]
    if (stream.readableEnded || stream.destroyed) return undefined
    await new Promise<void>((resolve) => {
      const wake = () => {
        stream.off('readable', wake).off('end', wake).off('close', wake)
        resolve()
      }
      stream.on('readable', wake).on('end', wake).on('close', wake)
    })
  }
}

/** Both directions, each ended by its own end; a failure of one ends both. */
async function joined(connection: Socket, stream: Duplex): Promise<void> {
  try {
    await Promise.all([pipeline(connection, stream), pipeline(stream, connection)])
  } finally {
    connection.destroy()
    stream.destroy()
  }
}

function cannotListen({ code, message }: NodeJS.ErrnoException, port: number): StraightwayError {
  if (code === 'EADDRINUSE')
    return new StraightwayError('conflict', `Port ${port} of this machine is in use: choose another one.`)
  if (code === 'EACCES')
    return new StraightwayError('forbidden', `Port ${port} is for the administrator: choose one above 1023.`)
  return new StraightwayError('unavailable', `Port ${port} cannot be listened at: ${message}`)
}

function reopening(open: () => Promise<ForwardTunnel>): () => Promise<ForwardTunnel> {
  let opened: Promise<ForwardTunnel> | undefined
  return () => {
    opened ??= open().then(
      (socket) => {
        socket.once('close', () => {
          opened = undefined
        })
        return socket
      },
      (error) => {
        opened = undefined
        throw error
      },
    )
    return opened
  }
}
