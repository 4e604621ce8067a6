import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import type { Peer } from '../peer/index.ts'
import { homeAround } from '../serve/file-names.ts'
import { StraightwayError } from '../shared/errors.ts'
import type { Metadata } from '../shared/presence.ts'
import { Answers } from './answers.ts'
import { readDoor } from './daemon/door.ts'
import type { Daemon } from './daemon/server.ts'
import { stop, untilStopped } from './life.ts'
import { Log } from './log.ts'
import { Names, shownName } from './names.ts'
import {
  bytesArgument,
  type CommonFlags,
  folderArgument,
  indexOf,
  listArgument,
  portArgument,
  verb,
} from './options.ts'
import { note, print } from './output.ts'
import { recordLine } from './record-line.ts'
import { joinAs } from './seat.ts'
import { version } from './version.ts'

export interface UpFlags extends CommonFlags {
  readonly accept: readonly string[]
  readonly ping?: readonly string[]
  readonly metadata?: Metadata
  readonly receive?: string
  readonly maxSize?: number
  readonly expose?: readonly number[]
  readonly detach?: true
}

/** Reports an event to programs, to people, and to `logs`. */
export type Tell = (event: string, facts: object, text: string) => void

const NETWORK = ['network'] as const

export function up(description: string): Command {
  return verb('up', description)
    .option(
      '--accept <whom>',
      'whose offers: `network` (all of your networks), `none`, or names and keys with commas',
      listArgument,
      NETWORK,
    )
    .option('--ping <whom>', 'whose pings are answered, in the same way (default: as --accept)', listArgument)
    .option('--metadata <json>', 'what others may find you by', metadataArgument)
    .option('--receive <dir>', 'receive files into this directory', folderArgument)
    .option('--max-size <size>', 'refuse transfers that are larger, for example 500M', bytesArgument)
    .addOption(
      new Option('--expose <port>', 'let others reach this TCP port of yours; may be repeated').argParser(
        (text: string, before: readonly number[] = []) => [...before, portArgument(text)],
      ),
    )
    .option('--detach', 'go on in the background; `straightway down` ends it')
    .addHelpText(
      'after',
      '\nWhile it runs, the other verbs of this home use its peer.\n' +
        'Answering a ping, as every tunnel, tells the other side the address of this machine.',
    )
    .action((flags: UpFlags) => (flags.detach ? detach(flags) : run(flags)))
}

async function detach(flags: UpFlags): Promise<void> {
  const { startDetached } = await import('./detach.ts')
  const { peer, pid } = await startDetached(flags.home)
  print(
    flags.json,
    { event: 'online', peer, pid },
    `online as ${peer}, process ${pid} (\`straightway down\` ends it)`,
  )
}

async function run(flags: UpFlags): Promise<void> {
  const { json, metadata, home, receive } = flags
  expectNoHome(receive)
  await expectNotUp(home)
  const peer = await joinAs(flags, metadata && { metadata })
  const log = new Log(home)
  const names = new Names(peer.index)
  const tell: Tell = (event, facts, text) => {
    print(json, { event, ...facts }, text)
    log.add({ at: Date.now(), event, text })
  }
  try {
    const answers = await Answers.of(flags, names, tell)
    const daemon = await openDaemon(peer, flags, answers)
    const { user, networks } = peer
    const label = await names.label(peer.peer)
    tell(
      'online',
      { peer: peer.peer, user, networks },
      `online as ${peer.peer}${label === peer.peer ? '' : `, ${label}`}`,
    )
    note(json, ...answers.notes, '(Ctrl-C leaves)')
    narrate(peer, names, tell)
    peer.on('offer', (offer) => {
      if (!daemon.offer(offer)) void answers.decide(offer)
    })
    await untilStopped()
    await peer.close()
    tell('left', {}, 'left')
    await daemon.close()
  } finally {
    await peer.close()
  }
}

async function openDaemon(peer: Peer, flags: UpFlags, answers: Answers): Promise<Daemon> {
  const index = (await indexOf(flags.index, flags.home)).replace(/\/+$/, '')
  const { Daemon } = await import('./daemon/server.ts')
  const startedAt = Date.now()
  const own = { status: 'online', custom: '' }
  return Daemon.open({
    home: flags.home,
    peer,
    self: () => ({
      pid: process.pid,
      version: version(),
      startedAt,
      index,
      peer: peer.peer,
      user: peer.user,
      networks: peer.networks,
      state: peer.state,
      ...own,
      udpBlocked: peer.udpBlocked,
      udp: flags.udp,
      tunnels: answers.tunnels,
    }),
    onStatus: (status, custom) => Object.assign(own, { status, custom }),
    onStop: () => stop('signal'),
  })
}

/** Reports all events of a peer in their order, even if a line has to wait for a name. */
function narrate(peer: Peer, names: Names, tell: Tell): void {
  let last: Promise<unknown> = Promise.resolve()
  const later = (act: () => Promise<void>) => {
    last = last.then(act).catch(() => {})
  }
  peer.on('message', ({ from, text, sentAt }) =>
    later(async () => {
      const name = await names.nameOf(from)
      tell('message', { from, ...(name && { name }), text, sentAt }, `${await names.label(from)}: ${text}`)
    }),
  )
  peer.on('presence', (record) =>
    later(async () => {
      const name = shownName(record)
      tell('presence', { ...record, name }, recordLine(record, name))
    }),
  )
  peer.on('change', (change) => later(async () => tell('change', change, await names.told(change))))
  peer.on('state', (state, why) =>
    later(async () => tell('state', { state, why }, why ? `${state}: ${why}` : state)),
  )
  peer.on('error', ({ code, message }) => tell('error', { code, detail: message }, `error: ${message}`))
}

function expectNoHome(directory: string | undefined): void {
  const home = directory === undefined ? undefined : homeAround(directory)
  if (home !== undefined)
    throw new StraightwayError('forbidden', `${home} is the home of a peer: --receive into another folder.`)
}

async function expectNotUp(home: string): Promise<void> {
  if (readDoor(home) === undefined) return
  const { RemotePeer } = await import('./daemon/remote-peer.ts')
  const other = await RemotePeer.open(home)
  if (other === undefined) return
  await other.close()
  throw new StraightwayError(
    'conflict',
    `This home is up already, in use by process ${other.facts.pid}: \`straightway down\` ends it.`,
  )
}

function metadataArgument(text: string): Metadata {
  const metadata = jsonOf(text)
  if (typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata))
    return metadata as Metadata
  throw new InvalidArgumentError(`Not a JSON object, as for example '{"game":"chess"}'.`)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
