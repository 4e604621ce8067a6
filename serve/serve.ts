/**
 * The services that `straightway` commands offer each other over a tunnel. The intent of an offer names the service;
 * `serve` answers all of them.
 *
 *   straightway/ping     every datagram is sent back as it came (ping.ts)
 *   straightway/file     a stream carries files and folders (transfer.ts)
 *   straightway/tcp      each stream is one TCP connection (tcp.ts)
 */
import type { Duplex } from 'node:stream'
import {
  check,
  checkFlag,
  checkFunction,
  checkPath,
  checkPort,
  checkText,
  taken,
} from '../shared/arguments.ts'
import { checkedReceive, type ReceivedFile, type ReceiveOptions, receiveFiles } from './receive-files.ts'
import { isTcpStream, serveTcp } from './tcp.ts'
import { FILE_STREAM } from './transfer.ts'
import type { Tunnel } from './tunnel.ts'

/** Intents that name the services. */
export const INTENT = { ping: 'straightway/ping', file: 'straightway/file', tcp: 'straightway/tcp' } as const

/** The services to offer. */
export interface Serving {
  /** TCP ports of this machine that other peers may reach. Default: none. */
  readonly expose?: readonly number[]
  /** How files are received, or just the directory for them. Default: files are not received. */
  readonly receive?: string | ReceiveOptions
  /** True if ping datagrams are echoed. Default: true. */
  readonly ping?: boolean
  /** Called for each received file. */
  readonly onFile?: (file: ReceivedFile) => void
  /** Called when a service failed for one stream. Other streams continue. */
  readonly onFault?: (error: Error) => void
}

/** True if `serving` includes the service of this intent. Throws `bad-request` if an argument is invalid. */
export function isServed(intent: string, serving: Serving): boolean {
  checkText(intent, 'intent')
  const { expose = [], receive, ping = true } = checkedServing(serving)
  if (intent === INTENT.file) return receive !== undefined
  if (intent === INTENT.tcp) return expose.length > 0
  return intent === INTENT.ping && ping
}

/** Serves an accepted tunnel until it closes. Throws `bad-request` if an argument is invalid. */
export function serve(socket: Tunnel, intent: string, given: Serving): void {
  check(typeof socket?.on === 'function', 'socket', 'a tunnel (`offer.accept`)', socket)
  checkText(intent, 'intent')
  const serving = checkedServing(given)
  if (intent === INTENT.ping && serving.ping !== false)
    socket.on('message', (datagram) => socket.send(datagram))
  socket.on('stream', (stream, { name }) => {
    stream.on('error', () => {})
    if (!serveStream(socket, stream, { name, intent, serving })) stream.destroy()
  })
}

function checkedServing(given: Serving): Serving {
  const serving = taken(given, 'serving')
  const { expose = [], receive, ping, onFile, onFault } = serving
  check(Array.isArray(expose), 'expose', 'a list of ports', expose)
  for (const port of expose) checkPort(port, 'expose')
  if (typeof receive === 'string') checkPath(receive, 'receive')
  else if (receive !== undefined) checkedReceive(receive)
  checkFlag(ping, 'ping')
  checkFunction(onFile, 'onFile')
  checkFunction(onFault, 'onFault')
  return serving
}

interface Wanted {
  readonly name: string
  readonly intent: string
  readonly serving: Serving
}

function serveStream(socket: Tunnel, stream: Duplex, { name, intent, serving }: Wanted): boolean {
  const { expose = [], receive, onFile, onFault } = serving
  if (intent === INTENT.tcp && isTcpStream(name)) {
    serveTcp(stream, name, expose)
    return true
  }
  if (intent !== INTENT.file || name !== FILE_STREAM || receive === undefined) return false
  const options = typeof receive === 'string' ? { directory: receive } : receive
  receiveFiles(stream, { from: socket.remotePeer, ...options, ...(onFile && { onFile }) }).catch(
    (error: Error) => onFault?.(error),
  )
  return true
}
