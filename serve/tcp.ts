/**
 * Forwards a TCP port of one machine to another. Each connection is a stream named `tcp:PORT` on one tunnel. The
 * serving side first sends one byte, which tells whether the stream is connected. After that, both sides relay the
 * bytes of the connection.
 *
 *   0 connected    1 the port is not exposed    2 nothing listens at the port
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { check, checkFunction, checkPort, checkText, taken } from '../shared/arguments.ts'
import { StraightwayError } from '../shared/errors.ts'
import type { StreamOpener } from './send-files.ts'

const PREFIX = 'tcp:'
const CONNECTED = 0
const NOT_EXPOSED = 1
const NOBODY_LISTENS = 2

/** A tunnel that emits `close`, such as a `PeerSocket`. */
export interface ForwardTunnel extends StreamOpener {
  /** Adds a listener for the end of the tunnel. */
  once(event: 'close', listener: () => void): unknown
}

/** Options of `forwardTcp`. */
export interface ForwardOptions {
  /** Opens the tunnel. Called first, and again for a new connection if the tunnel has ended. */
  readonly tunnel: () => Promise<ForwardTunnel>
  /** Port on the other machine. */
  readonly remotePort: number
  /** Port on this machine; 0 for any free one. */
  readonly localPort: number
  /** Address on this machine to listen on. Default: 127.0.0.1. */
  readonly localHost?: string
  /** Called when a connection failed. Other connections continue. */
  readonly onFault?: (error: StraightwayError) => void
}

/** A forwarded port. */
export interface Forward {
  /** Local port that is forwarded. */
  readonly port: number
  /** Stops listening and ends all connections. */
  close(): Promise<void>
}

/**
 * Connects to the other side's port once, as a test, and then listens. Rejects with:
 *
 * - `forbidden`: the other side does not expose the port (`serve`), or the local port needs an administrator
 * - `unavailable`: nothing listens on the port there
 * - `conflict`: the local port is in use
 * - `bad-request`: an invalid argument
 * - the error of `tunnel`
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

/** Connects a stream named `tcp:PORT` to that port of this machine, if it is among `ports`. */
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

/** Reads the first byte; undefined if the stream ended before it. */
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

/** Relays both directions. Each ends by itself; a failure of one ends both. */
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
