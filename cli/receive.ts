import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import type { Duplex } from 'node:stream'
import type { Command } from 'commander'
import { homeAround } from '../serve/file-names.ts'
import { type ReceivedTransfer, receiveFiles } from '../serve/receive-files.ts'
import { INTENT } from '../serve/serve.ts'
import type { TransferOffer } from '../serve/transfer.ts'
import type { Tunnel } from '../serve/tunnel.ts'
import { StraightwayError } from '../shared/errors.ts'
import { escapeLine } from './escape.ts'
import { failureOf } from './failures.ts'
import { stopped, untilStopped } from './life.ts'
import { Names } from './names.ts'
import { bytesArgument, type CommonFlags, folderArgument, listArgument, verb } from './options.ts'
import { note, ProgressBar, print, sizeText } from './output.ts'
import { type Asked, type Seat, whileSeated } from './seat.ts'
import { expectsNobody, Whom } from './whom.ts'

const NOTHING_CAME = 'The other side ended the tunnel before it sent a file.'

interface Flags extends CommonFlags {
  readonly dir: string
  readonly from?: readonly string[]
  readonly maxSize?: number
  readonly yes?: true
  readonly many?: true
}

export function receive(description: string): Command {
  return verb('receive', description)
    .option('--dir <dir>', 'where they go', folderArgument, '.')
    .option('--from <who,…>', 'only of these: names or keys with commas', listArgument)
    .option('--max-size <size>', 'refuse what is larger, for example 500M', bytesArgument)
    .option('--yes', 'do not ask; without a terminal, or with --from, nobody is asked anyway')
    .option('--many', 'go on after the first transfer')
    .addHelpText(
      'after',
      '\nIt ends after the first transfer that is whole; what fails before does not end it.\n' +
        'Nothing is overwritten. Names that begin with a dot, that are reserved on Windows, or that\n' +
        'hide characters are refused, as are a file called `identity` and a folder that is the home of a peer.',
    )
    .action((flags: Flags) => whileSeated(flags, (seat) => run(seat, flags)))
}

async function run(seat: Seat, flags: Flags): Promise<void> {
  const { json, many, dir } = flags
  const home = homeAround(dir)
  if (home !== undefined)
    throw new StraightwayError('forbidden', `${home} is the home of a peer: receive into another folder.`)
  const names = new Names(seat.index)
  const whom = await Whom.of(flags.from, names)
  const received = new Promise<void>((resolve) => {
    const decide = (offer: Asked) => {
      if (!whom.has(offer)) return offer.refuse('not-allowed')
      void take(offer, { flags, names }).then((whole) => whole && !many && resolve())
    }
    void seat.serve([INTENT.file], decide)
  })
  seat.events.on('message', ({ from, text, sentAt }) => {
    void names
      .label(from)
      .then((who) => print(json, { event: 'message', from, text, sentAt }, `${who}: ${text}`))
  })
  print(json, { event: 'online', peer: seat.peer }, `waiting as ${await names.label(seat.peer)}`)
  if (expectsNobody(flags.from)) note(json, 'Nobody is let in: --from names nobody.')
  await Promise.race([received, untilStopped(), lost(seat)])
}

/** Rejects when the process that is `up` has ended. */
const lost = (seat: Seat): Promise<never> =>
  new Promise((_, reject) => {
    if (!seat.isShared) return
    seat.events.on('state', (state) => {
      if (state === 'offline')
        reject(new StraightwayError('closed', '`straightway up` of this home has ended.'))
    })
  })

interface Taking {
  readonly flags: Flags
  readonly names: Names
}

/** Receives one transfer. Returns true if it is complete. Never rejects: the failure of one sender does not end the verb. */
async function take(offer: Asked, { flags, names }: Taking): Promise<boolean> {
  const { json } = flags
  const who = await names.label(offer.from)
  const bar = new ProgressBar('receiving', json)
  try {
    const socket = await offer.accept()
    const stream = await streamOf(socket)
    const closed = once(stream, 'close').catch(() => {})
    const transfer = await receiveFiles(stream, {
      directory: flags.dir,
      from: offer.from,
      ...(flags.maxSize !== undefined && { maxBytes: flags.maxSize }),
      decide: (about) => (isAsked(flags) ? ask(who, about) : true),
      progress: bar.show,
      signal: stopped,
    })
    bar.end()
    tell(offer, transfer, flags)
    await closed
    return true
  } catch (error) {
    bar.end()
    const { error: code, detail } = failureOf(error)
    print(json, { event: 'error', from: offer.from, error: code, detail }, `${who}: ${detail}`)
    return false
  }
}

async function streamOf(socket: Tunnel): Promise<Duplex> {
  const gone = once(socket, 'close').then(() => {
    throw new StraightwayError('closed', NOTHING_CAME)
  })
  const [stream] = (await Promise.race([once(socket, 'stream'), gone])) as [Duplex]
  gone.catch(() => {})
  return stream
}

function tell({ from }: Asked, { files, paths }: ReceivedTransfer, { json }: Flags): void {
  if (json)
    for (const { name, size, sha256, path } of files)
      print(json, { event: 'file', from, name, bytes: size, sha256, sha256Equal: true, path })
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  if (!json) print(json, {}, `${paths.join(', ')}: ${bytes} bytes, SHA-256 equal`)
}

const isAsked = ({ json, yes, from }: Flags): boolean =>
  !json && !yes && from === undefined && process.stdin.isTTY === true && process.stderr.isTTY === true

/** The last question to the user. Questions are asked one at a time, and any answer but yes means no. */
let asking: Promise<unknown> = Promise.resolve()

function ask(who: string, offer: TransferOffer): Promise<boolean | string> {
  const answer = asking.then(() => askNow(who, offer))
  asking = answer.catch(() => {})
  return answer
}

async function askNow(who: string, { name, entries, bytes }: TransferOffer): Promise<boolean | string> {
  const more = entries > 1 ? ` (${entries} files and folders)` : ''
  const size = bytes === undefined ? 'of unknown size' : sizeText(bytes)
  const question = `${escapeLine(`${who} sends ${name}${more}, ${size}. Receive it?`)} [y/N] `
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await terminal.question(question, { signal: stopped })
    return /^y(es)?$/i.test(answer.trim()) ? true : 'The receiver declined.'
  } finally {
    terminal.close()
  }
}
