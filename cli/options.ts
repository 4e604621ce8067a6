/** Options that verbs share, and the parsers of their values. */
import { homedir } from 'node:os'
import { join as joinPath, resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { Enrolled, Paths } from '../peer/index.ts'
import { StraightwayError } from '../shared/errors.ts'

export interface CommonFlags {
  readonly index?: string
  readonly home: string
  readonly invite?: string
  readonly name?: string
  /** False if UDP must never be used. */
  readonly udp: boolean
  readonly json?: true
}

export interface PathFlags {
  readonly paths: Paths
}

/** A verb that needs only a home. */
export function homeVerb(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .addOption(
      new Option('--home <dir>', 'where this peer keeps its key')
        .env('STRAIGHTWAY_HOME')
        .default(joinPath(homedir(), '.straightway'), '~/.straightway')
        .argParser((text: string) => resolve(folderArgument(text))),
    )
    .option('--json', 'print JSON')
}

/** A verb that uses the peer of the home. */
export function verb(name: string, description: string): Command {
  return homeVerb(name, description)
    .addOption(
      new Option('--index <url>', 'base URL of INDEX (default: that of the home)')
        .env('STRAIGHTWAY_INDEX')
        .argParser(urlArgument),
    )
    .addOption(new Option('--invite <code>', 'enrols this peer the first time').env('STRAIGHTWAY_INVITE'))
    .option('--name <name>', 'of this peer and its user, when it enrols')
    .option('--no-udp', 'never use UDP; a network that drops it is noticed without this')
    .hook('preAction', (_, command) => {
      for (const each of EMPTY_IS_NONE)
        if (command.getOptionValue(each) === '') command.setOptionValue(each, undefined)
    })
}

/** Options whose empty value, as from an empty environment variable, counts as not given. */
const EMPTY_IS_NONE = ['index', 'invite', 'name'] as const

export const pathsOption = (): Option =>
  new Option('--paths <which>', 'which paths the tunnel may take')
    .choices(['auto', 'direct-only', 'relay-only'])
    .default('auto')

export const whoHelp = 'a name, a key, or its first letters, as `straightway find` prints them'

/** URL of INDEX. Throws `bad-request` if neither a flag nor the environment nor the home tells it. */
export async function indexOf(index: string | undefined, home: string): Promise<string> {
  const known = index ?? (await enrolledIn(home))?.index
  if (known !== undefined) return known
  throw new StraightwayError(
    'bad-request',
    'Where is INDEX? Give --index URL the first time (`npm start` prints it).',
  )
}

/** Returns the enrolment that the home records. It loads the SDK, which takes time, so other verbs do without it. */
export async function enrolledIn(home: string): Promise<Enrolled | undefined> {
  const { enrolledAt } = await import('../peer/index.ts')
  return enrolledAt(home)
}

/** Parses a name or key. Rejects a text that cannot be a name before anything is opened. */
export function whoArgument(text: string): string {
  const who = text.trim()
  if (who === '' || who.length > 200)
    throw new InvalidArgumentError('Not a name or a key, as `straightway find` prints them.')
  return who
}

/** Parses a folder. Rejects an empty value, as from an unset variable, because it would mean the current folder. */
export function folderArgument(text: string): string {
  if (text !== '') return text
  throw new InvalidArgumentError('Not a folder.')
}

export function urlArgument(text: string): string {
  if (text === '' || (/^https?:\/\//.test(text) && URL.canParse(text))) return text
  throw new InvalidArgumentError('Not an address such as https://example.com.')
}

export function portArgument(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port > 0 && port < 65536) return port
  throw new InvalidArgumentError('Not a port from 1 to 65535.')
}

export function countArgument(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && count > 0 && Number.isSafeInteger(count)) return count
  throw new InvalidArgumentError('Not a number greater than 0.')
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 }

/** Parses a size such as `500`, `20k` or `1.5G` into bytes (decimal units). */
export function bytesArgument(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)b?$/i.exec(text.trim())
  const bytes = match === null ? 0 : Math.floor(Number(match[1]) * UNITS[match[2]!.toLowerCase()]!)
  if (bytes > 0 && Number.isSafeInteger(bytes)) return bytes
  throw new InvalidArgumentError('Not a size such as 500k, 20M or 1.5G.')
}

const SPANS: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3600_000,
  d: 24 * 3600_000,
  w: 7 * 24 * 3600_000,
}

/** Parses a time such as `30m`, `12h` or `7d` into milliseconds. */
export function spanArgument(text: string): number {
  const match = /^(\d+)\s*([mhdw])$/i.exec(text.trim())
  const span = match === null ? 0 : Number(match[1]) * SPANS[match[2]!.toLowerCase()]!
  if (span > 0) return span
  throw new InvalidArgumentError('Not a time such as 30m, 12h or 7d.')
}

/** Parses a list such as `ann,ben`. Empty parts are dropped. */
export const listArgument = (text: string): readonly string[] =>
  text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
