/** A TCP port of one machine on another: every connection is a stream named `tcp:PORT` on one tunnel. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { PeerSocket } from '../peer-socket.ts'

const PREFIX = 'tcp:'

export interface ForwardOptions {
  /** Called for the first connection, and again when the tunnel has ended since. */
  readonly tunnel: () => Promise<PeerSocket>
  readonly remotePort: number
  /** On this machine; 0: any. */
  readonly localPort: number
  readonly localHost?: string
  readonly onFault?: (error: Error) => void
}

export interface Forward {
  readonly port: number
  /** Ends the connections that are open. */
  close(): Promise<void>
}

/** Listens; the other side must allow the port (`serveTcp`). */
export async function forwardTcp(options: ForwardOptions): Promise<Forward> {
  const { remotePort, localPort, localHost = '127.0.0.1', onFault = () => {} } = options
  const tunnel = reopening(options.tunnel)
  const connections = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (connection) => {
    connections.add(connection)
    connection.on('error', () => connection.destroy())
    connection.on('close', () => connections.delete(connection))
    tunnel()
      .then((socket) => socket.createStream({ name: `${PREFIX}${remotePort}`, allowHalfOpen: true }))
      .then((stream) => join(connection, stream))
      .catch((error: Error) => {
        connection.destroy()
        onFault(error)
      })
  })
  server.listen(localPort, localHost)
  await once(server, 'listening')
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

/** False where the port is not among those that others may reach. */
export function serveTcp(stream: Duplex, name: string, ports: readonly number[]): boolean {
  const port = Number(name.slice(PREFIX.length))
  if (!ports.includes(port)) return false
  stream.allowHalfOpen = true
  const connection = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  connection.on('error', () => stream.destroy())
  join(connection, stream).catch(() => {})
  return true
}

/** Both directions, each ended by its own end; a failure of one ends both. */
async function join(connection: Socket, stream: Duplex): Promise<void> {
  try {
    await Promise.all([pipeline(connection, stream), pipeline(stream, connection)])
  } finally {
    connection.destroy()
    stream.destroy()
  }
}

function reopening(open: () => Promise<PeerSocket>): () => Promise<PeerSocket> {
  let opened: Promise<PeerSocket> | undefined
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
