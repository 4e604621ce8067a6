import { type Command, InvalidArgumentError } from 'commander'
import type { PeerSocket } from '../peer/index.ts'
import { ping as measure, type PingReport } from '../serve/ping.ts'
import { INTENT } from '../serve/serve.ts'
import type { Tunnel } from '../serve/tunnel.ts'
import type { PeerId } from '../shared/ids.ts'
import { WHY_NOT_DIRECT } from '../shared/why-not-direct.ts'
import { MAX_PAYLOAD_BYTES } from '../shared/wire/tunnel.ts'
import { stopped } from './life.ts'
import { Names } from './names.ts'
import {
  type CommonFlags,
  countArgument,
  type PathFlags,
  pathsOption,
  verb,
  whoArgument,
  whoHelp,
} from './options.ts'
import { print } from './output.ts'
import { type Seat, withSeat } from './seat.ts'

export interface PingFlags extends PathFlags {
  readonly count: number
  readonly size: number
  readonly wait: number
  readonly json?: true
}

type Flags = CommonFlags & PingFlags

const INTERVAL_MS = 100
const TIMEOUT_MS = 2_000

export function ping(description: string): Command {
  return verb('ping', description)
    .argument('<who>', whoHelp, whoArgument)
    .option('--count <n>', 'datagrams', countArgument, 10)
    .option('--size <bytes>', 'of each datagram', sizeArgument, 64)
    .option('--wait <ms>', 'how long to wait for a direct path', countArgument, 10_000)
    .addOption(pathsOption())
    .addHelpText(
      'after',
      '\nA tunnel tells each side the address of the other; `--paths relay-only` does not.',
    )
    .action((who: string, flags: Flags) => withSeat(flags, (seat) => run(seat, who, flags)))
}

function sizeArgument(text: string): number {
  const size = countArgument(text)
  if (size <= MAX_PAYLOAD_BYTES) return size
  throw new InvalidArgumentError(`A datagram has at most ${MAX_PAYLOAD_BYTES} bytes.`)
}

async function run(seat: Seat, who: string, flags: Flags): Promise<void> {
  const to = await new Names(seat.index).peerOf(who)
  const summary = await measured(seat, to, flags)
  print(flags.json, summary, toldTo(summary))
  if (summary.rttMs === undefined) process.exitCode = 1
}

/** Opens a tunnel, measures it and closes it. */
export async function measured(seat: Pick<Seat, 'connect'>, to: PeerId, flags: PingFlags) {
  const socket = await seat.connect(to, { intent: INTENT.ping, paths: flags.paths, signal: stopped })
  await settled(socket, flags.wait)
  const onReply = flags.json
    ? undefined
    : (sequence: number, ms: number) => print(undefined, {}, replyLine(sequence, ms, socket))
  const report = await measure(socket, {
    ...flags,
    intervalMs: INTERVAL_MS,
    timeoutMs: TIMEOUT_MS,
    ...(onReply && { onReply }),
  })
  const summary = summaryOf(to, socket, report)
  socket.close()
  return summary
}

/** Reasons for a relayed path that may change soon: a direct path is still being sought, or may soon be the better one. */
const PASSING = new Set<string | undefined>([undefined, 'not-yet', 'relay-better'])

/** Waits until the path is direct, or the search for a direct path has ended. */
function settled(socket: Tunnel, waitMs: number): Promise<void> {
  const isSettled = () => socket.path === 'direct' || !PASSING.has(socket.whyNotDirect)
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(patience)
      socket.off('path', check).off('close', done)
      resolve()
    }
    const check = () => isSettled() && done()
    const patience = setTimeout(done, waitMs)
    socket.on('path', check).on('close', done)
    check()
  })
}

function summaryOf(peer: PeerId, socket: Tunnel, report: PingReport) {
  const { path, whyNotDirect, times, effort, security } = socket
  const why = whyNotDirect && { whyNotDirect, advice: WHY_NOT_DIRECT[whyNotDirect].advice }
  return { peer, path, ...rounded(times), ...effort, ...report, security, ...why }
}

function rounded(times: PeerSocket['times']): PeerSocket['times'] {
  return Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, Math.round(ms)]))
}

const replyLine = (sequence: number, ms: number, { path }: Tunnel): string =>
  `${String(sequence + 1).padStart(4)}  ${ms.toFixed(2)} ms  ${path}`

function toldTo({
  path,
  firstByteMs,
  directMs,
  rttMs,
  sent,
  lost,
  whyNotDirect,
  advice,
}: ReturnType<typeof summaryOf>): string[] {
  const times = [
    `first byte after ${firstByteMs ?? '?'} ms`,
    directMs === undefined ? '' : `direct after ${directMs} ms`,
  ]
  const trips = rttMs
    ? `round trip ${rttMs.min} / ${rttMs.avg} / ${rttMs.max} ms (min / avg / max)`
    : 'nothing came back'
  const why = whyNotDirect ? [`not direct: ${whyNotDirect}. ${advice}`] : []
  return [`${path}, ${times.filter(Boolean).join(', ')}`, `${sent} sent, ${lost} lost, ${trips}`, ...why]
}
