/**
 * What two `straightway` commands say to each other over a tunnel. The intent of the offer names the service; `serve`
 * is the answering side of all of them.
 *
 *   straightway/ping     every datagram is sent back as it came (ping.ts)
 *   straightway/file     each stream carries one file (file.ts)
 *   straightway/tcp      each stream is one TCP connection (tcp.ts)
 */
import type { Duplex } from 'node:stream'
import type { PeerSocket } from '../peer-socket.ts'
import { type ReceivedFile, receiveFile } from './file.ts'
import { isTcpStream, serveTcp } from './tcp.ts'

export const INTENT = { ping: 'straightway/ping', file: 'straightway/file', tcp: 'straightway/tcp' } as const

export interface Serving {
  /** Ports of this machine that others may reach. */
  readonly expose?: readonly number[]
  /** Where files go; none are taken without. */
  readonly receive?: string
  readonly onFile?: (file: ReceivedFile) => void
  /** A service that failed for one stream; the others go on. */
  readonly onFault?: (error: Error) => void
}

/** Whether an offer with this intent can be answered. */
export function isServed(intent: string, { expose = [], receive }: Serving): boolean {
  if (intent === INTENT.file) return receive !== undefined
  if (intent === INTENT.tcp) return expose.length > 0
  return intent === INTENT.ping
}

export function serve(socket: PeerSocket, intent: string, serving: Serving): void {
  if (intent === INTENT.ping) socket.on('message', (datagram) => socket.send(datagram))
  socket.on('stream', (stream, { name }) => {
    stream.on('error', (error) => serving.onFault?.(error))
    if (!serveStream(stream, name, intent, serving)) stream.destroy()
  })
}

function serveStream(stream: Duplex, name: string, intent: string, serving: Serving): boolean {
  const { expose = [], receive, onFile, onFault } = serving
  if (intent === INTENT.tcp && isTcpStream(name)) return serveTcp(stream, name, expose)
  if (intent !== INTENT.file || receive === undefined) return false
  receiveFile(stream, receive).then(onFile, (error: Error) => {
    stream.destroy()
    onFault?.(error)
  })
  return true
}
