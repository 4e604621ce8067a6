/** Options that every verb has, and how a verb comes to its peer. */
import { homedir } from 'node:os'
import { join as joinPath } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { StraightwayError } from '../../shared/errors.ts'
import { isPeerId, type PeerId } from '../../shared/ids.ts'
import type { Paths } from '../../shared/paths.ts'
import { enrolledAt } from '../home/home.ts'
import type { JoinOptions } from '../join.ts'
import type { Peer } from '../peer.ts'

export interface CommonFlags {
  readonly index?: string
  readonly home: string
  readonly invite?: string
  readonly name?: string
  /** False: UDP is never used. */
  readonly udp: boolean
  readonly json?: true
}

export interface PathFlags {
  readonly paths: Paths
}

export function verb(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(
      new Option('--index <url>', 'base URL of INDEX (default: that of the home)').env('STRAIGHTWAY_INDEX'),
    )
    .option(
      '--home <dir>',
      'where this peer keeps its key; one process at a time',
      joinPath(homedir(), '.straightway'),
    )
    .addOption(new Option('--invite <code>', 'enrols this peer the first time').env('STRAIGHTWAY_INVITE'))
    .option('--name <name>', 'of this peer and its user, when it enrols')
    .option('--no-udp', 'never use UDP; where a network drops it that is found out without')
    .option('--json', 'print JSON')
}

export const pathsOption = (): Option =>
  new Option('--paths <which>', 'which paths the tunnel may take')
    .choices(['auto', 'direct-only', 'relay-only'])
    .default('auto')

/** Joins as the flags say. Whoever only asks for help does not wait until all that a peer needs is loaded. */
export async function joinAs(
  flags: CommonFlags,
  more: Pick<JoinOptions, 'metadata' | 'status'> = {},
): Promise<Peer> {
  const options = { ...joinOptions(flags), ...more }
  const { join } = await import('../join.ts')
  return join(options)
}

/** Joins as the flags say, and leaves when `act` is done or has failed. */
export async function asPeer<T>(
  flags: CommonFlags,
  act: (peer: Peer) => Promise<T>,
  more: Pick<JoinOptions, 'metadata' | 'status'> = {},
): Promise<T> {
  const peer = await joinAs(flags, more)
  try {
    return await act(peer)
  } finally {
    await peer.close()
  }
}

function joinOptions({ index, home, invite, name, udp }: CommonFlags): JoinOptions {
  return {
    index: indexOf(index, home),
    home,
    udp,
    ...(invite !== undefined && { invite }),
    ...(name !== undefined && { name }),
  }
}

/** Errors: `bad-request` where no flag, environment or home says where INDEX is. */
export function indexOf(index: string | undefined, home: string): string {
  const known = index ?? enrolledAt(home)?.index
  if (known !== undefined) return known
  throw new StraightwayError(
    'bad-request',
    'Where is INDEX? Give --index URL the first time (`npm start` prints it).',
  )
}

export function peerArgument(text: string): PeerId {
  if (isPeerId(text)) return text
  throw new InvalidArgumentError('Not a peer id: 52 letters and digits, as `straightway find` prints them.')
}

export function portArgument(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port > 0 && port < 65536) return port
  throw new InvalidArgumentError('Not a port from 1 to 65535.')
}

export function countArgument(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && count > 0) return count
  throw new InvalidArgumentError('Not a number greater than 0.')
}

/** Resolves when the user or the system wants the process to end. */
export function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
}
