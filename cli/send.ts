import { statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, InvalidArgumentError } from 'commander'
import { type SentTransfer, sendFiles } from '../serve/send-files.ts'
import { INTENT } from '../serve/serve.ts'
import { type Source, type Sources, sourcesOf, streamSource } from '../serve/sources.ts'
import type { Tunnel } from '../serve/tunnel.ts'
import { StraightwayError } from '../shared/errors.ts'
import type { PeerId } from '../shared/ids.ts'
import { stopped } from './life.ts'
import { Names } from './names.ts'
import { type CommonFlags, type PathFlags, pathsOption, verb, whoArgument, whoHelp } from './options.ts'
import { note, ProgressBar, print, sizeText } from './output.ts'
import { type Seat, whileSeated } from './seat.ts'

interface Flags extends CommonFlags, PathFlags {
  readonly as: string
  readonly retry: boolean
}

/** Total time and pause of the retries after the connection broke. */
const RETRY_MS = 60_000
const PAUSE_MS = 1000
/** Temporary errors: the other side may come back. */
const PASSING = new Set(['closed', 'timeout', 'unavailable', 'peer-offline'])

export function send(description: string): Command {
  return verb('send', description)
    .argument('<who>', whoHelp, whoArgument)
    .argument('<files...>', 'files and folders; `-` for what comes on stdin', fileArgument)
    .option('--as <name>', 'what stdin is called at the other side', 'stdin')
    .option('--no-retry', 'give up when the connection breaks, where it is tried again for a minute')
    .addOption(pathsOption())
    .addHelpText(
      'after',
      '\nSent again after a break, or by the same command later, it goes on where it stopped.\n' +
        'Of folders everything is sent but names that begin with a dot, and symbolic links.',
    )
    .action(async (who: string, files: readonly string[], flags: Flags) => {
      const sources = await sourcesFor(files, flags)
      await whileSeated(flags, (seat) => run(seat, { who, sources, flags }))
    })
}

function fileArgument(path: string, before: readonly string[] = []): readonly string[] {
  if (path !== '-' && isMissing(path)) throw new InvalidArgumentError(`No such file: ${path}`)
  return [...before, path]
}

/** True if a file is missing. A file that may not be read is reported later, with its own error. */
function isMissing(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined
  } catch {
    return false
  }
}

async function sourcesFor(files: readonly string[], flags: Flags): Promise<Sources> {
  const named = files.filter((each) => each !== '-')
  const { list, skipped } = await sourcesOf(named)
  if (skipped.length > 0) {
    const [first] = skipped
    note(
      flags.json,
      `left out: ${first!.path} ${first!.why}${skipped.length > 1 ? `, and ${skipped.length - 1} more` : ''}`,
    )
  }
  const piped = named.length < files.length ? [streamSource(flags.as, process.stdin)] : []
  return { list: [...list, ...piped], skipped }
}

interface Sending {
  readonly who: string
  readonly sources: Sources
  readonly flags: Flags
}

async function run(seat: Seat, { who, sources, flags }: Sending): Promise<void> {
  const { json } = flags
  const names = new Names(seat.index)
  const to = await names.peerOf(who)
  const { list } = sources
  const bar = new ProgressBar(
    list.length === 1 ? list[0]!.path : `${list[0]!.path} and ${list.length - 1} more`,
    json,
  )
  try {
    const { sent, path } = await insistently(seat, to, { sources: list, bar, flags })
    const mbps = bar.mbps(sent.bytes - sent.resumedBytes)
    bar.end()
    report(to, list, { sent, path, mbps, json })
  } finally {
    bar.end()
  }
}

interface Attempt {
  readonly sources: readonly Source[]
  readonly bar: ProgressBar
  readonly flags: Flags
}

interface Done {
  readonly sent: SentTransfer
  readonly path: Tunnel['path']
}

/** Sends, and retries for RETRY_MS if the connection broke, so that the other side can come back. */
async function insistently(seat: Seat, to: PeerId, attempt: Attempt): Promise<Done> {
  const { flags, sources } = attempt
  const isOnce = !flags.retry || sources.some((each) => each.kind === 'file' && each.size === undefined)
  let brokeAt: number | undefined
  for (;;) {
    try {
      return await once(seat, to, attempt)
    } catch (error) {
      const passes = error instanceof StraightwayError && PASSING.has(error.code)
      const isBreak = error instanceof StraightwayError && error.code === 'closed'
      if (isOnce || stopped.aborted || !passes || (brokeAt === undefined && !isBreak)) throw error
      if (brokeAt === undefined) note(flags.json, 'The connection broke: trying to go on.')
      brokeAt ??= performance.now()
      if (performance.now() - brokeAt > RETRY_MS) throw error
    }
    await sleep(PAUSE_MS, undefined, { signal: stopped })
  }
}

async function once(seat: Seat, to: PeerId, { sources, bar, flags }: Attempt): Promise<Done> {
  const socket = await seat.connect(to, { intent: INTENT.file, paths: flags.paths, signal: stopped })
  try {
    const asked = () => note(flags.json, 'waiting for the other side to accept')
    const patience = setTimeout(asked, PAUSE_MS)
    const progress = (bytes: number, total: number | undefined) => {
      clearTimeout(patience)
      bar.show(bytes, total)
    }
    const sent = await sendFiles(socket, sources, { progress, signal: stopped }).finally(() =>
      clearTimeout(patience),
    )
    return { sent, path: socket.path }
  } finally {
    await new Promise<void>((resolve) => {
      socket.close(resolve)
    })
  }
}

interface Report extends Done {
  readonly mbps: number
  readonly json: true | undefined
}

function report(to: PeerId, sources: readonly Source[], { sent, path, mbps, json }: Report): void {
  const { files, bytes, resumedBytes } = sent
  const [first] = files
  const one = sources.length === 1 && first !== undefined ? { name: first.name, sha256: first.sha256 } : {}
  const name = sources.length === 1 ? sources[0]!.path : `${sources[0]!.path} and ${sources.length - 1} more`
  const resumed = resumedBytes > 0 ? `, ${sizeText(resumedBytes)} of them before` : ''
  const all = files.map(({ name, size, sha256 }) => ({ name, bytes: size, sha256 }))
  print(
    json,
    { to, ...one, bytes, resumedBytes, sha256Equal: true, path, mbps, files: all },
    `${name}: ${bytes} bytes${resumed}, ${path}, ${mbps} Mbit/s, SHA-256 equal`,
  )
}
