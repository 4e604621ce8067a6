/** Measures round-trip times of datagrams through a tunnel whose other side echoes them. */
import { check, checkFunction, checkInteger, MOST_MS, taken } from '../shared/arguments.ts'
import { MAX_PAYLOAD_BYTES } from '../shared/wire/tunnel.ts'
import type { Tunnel } from './tunnel.ts'

const MOST_PINGS = 100_000

/** Options of `ping`. */
export interface PingOptions {
  /** Number of datagrams, 1 to 100,000. */
  readonly count: number
  /** Size of each datagram in bytes; at least 4 are sent. */
  readonly size: number
  /** Milliseconds between two datagrams, 1 to 21,474. */
  readonly intervalMs: number
  /** Milliseconds to wait for the last reply, at most an hour. */
  readonly timeoutMs: number
  /** Called for each reply. */
  readonly onReply?: (sequence: number, rttMs: number) => void
}

/** Result of `ping`. */
export interface PingReport {
  /** Number of datagrams that were sent. */
  readonly sent: number
  /** Number of datagrams without a reply. */
  readonly lost: number
  /** Round-trip times in milliseconds; absent if there was no reply. */
  readonly rttMs?: { readonly min: number; readonly avg: number; readonly max: number }
}

/**
 * Sends datagrams and measures their round trips. Resolves when every reply has arrived, when the wait for the last one
 * is over, or when the tunnel has closed. Rejects with `bad-request` if an argument is invalid.
 */
export async function ping(socket: Tunnel, options: PingOptions): Promise<PingReport> {
  const { count, size, intervalMs, timeoutMs, onReply } = checkedOptions(options)
  const sentAt: number[] = []
  const rtts = new Map<number, number>()
  let finish = () => {}
  const finished = new Promise<void>((resolve) => {
    finish = resolve
  })
  const hear = (datagram: Buffer) => {
    const sequence = datagram.length < 4 ? -1 : datagram.readUInt32BE()
    const at = sentAt[sequence]
    if (at === undefined || rtts.has(sequence)) return
    rtts.set(sequence, performance.now() - at)
    onReply?.(sequence, rtts.get(sequence)!)
    if (rtts.size === count) finish()
  }
  const send = () => {
    const datagram = Buffer.alloc(Math.max(size, 4))
    datagram.writeUInt32BE(sentAt.length)
    sentAt.push(performance.now())
    socket.send(datagram)
    if (sentAt.length === count) clearInterval(timer)
  }
  const end = () => finish()
  socket.on('message', hear).once('close', end)
  const timer = setInterval(send, intervalMs)
  send()
  const patience = setTimeout(finish, Math.min(count * intervalMs + timeoutMs, MOST_MS))
  await finished
  clearInterval(timer)
  clearTimeout(patience)
  socket.off('message', hear).off('close', end)
  return reportOf(sentAt.length, [...rtts.values()])
}

function checkedOptions(given: PingOptions): PingOptions {
  const options = taken(given)
  for (const name of ['count', 'size', 'intervalMs', 'timeoutMs'] as const)
    check(options[name] !== undefined, name, 'a number', undefined)
  checkInteger(options.count, 'count', 1, MOST_PINGS)
  checkInteger(options.size, 'size', 0, MAX_PAYLOAD_BYTES)
  checkInteger(options.intervalMs, 'intervalMs', 1, Math.floor(MOST_MS / MOST_PINGS))
  checkInteger(options.timeoutMs, 'timeoutMs', 0, 3_600_000)
  checkFunction(options.onReply, 'onReply')
  return options
}

function reportOf(sent: number, rtts: readonly number[]): PingReport {
  const lost = sent - rtts.length
  if (rtts.length === 0) return { sent, lost }
  const sum = rtts.reduce((total, rtt) => total + rtt, 0)
  const rttMs = {
    min: round(Math.min(...rtts)),
    avg: round(sum / rtts.length),
    max: round(Math.max(...rtts)),
  }
  return { sent, lost, rttMs }
}

const round = (ms: number): number => Math.round(ms * 1000) / 1000
