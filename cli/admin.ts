/**
 * `straightway admin`: every operation of INDEX as a command, for a team's own people and scripts. The commands are made
 * from the definitions of the routes (`npm run openapi`). The key comes from the environment only, because other users of
 * the machine can read the arguments of a process.
 */
import { Command, InvalidArgumentError, Option } from 'commander'
import { StraightwayError } from '../shared/errors.ts'
import type { AdminCommand, AdminOption } from '../shared/rest-client/command.ts'
import { COMMANDS } from '../shared/rest-client/commands.ts'
import { countArgument, urlArgument } from './options.ts'
import { print } from './output.ts'
import { linesOf, tableOf } from './table.ts'

interface Flags {
  readonly index?: string
  readonly json?: true
  readonly all?: true
  readonly body?: object
  readonly ifVersion?: number
  readonly [option: string]: unknown
}

export function admin(description: string): Command {
  const command = new Command('admin')
    .description(description)
    .addHelpText('after', '\nThe API key is read from STRAIGHTWAY_KEY.')
  for (const each of COMMANDS) command.addCommand(commandOf(each))
  return command
}

/** `createNetwork` is `create-network`. */
export const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

function commandOf(definition: AdminCommand): Command {
  const { operation, summary, parameters, options, body, conditional } = definition
  const command = new Command(kebab(operation)).description(`${summary}.`)
  for (const name of parameters) command.argument(`<${name}>`)
  for (const option of options) command.addOption(flagOf(option))
  if (body) command.addOption(new Option('--body <json>', 'the whole body').argParser(objectArgument))
  if (conditional)
    command.option('--if-version <number>', 'refuse if it is at another version', countArgument)
  if (options.some(({ name }) => name === 'cursor')) command.option('--all', 'print every page')
  return command
    .addOption(
      new Option('--index <url>', 'base URL of INDEX').env('STRAIGHTWAY_INDEX').argParser(urlArgument),
    )
    .option('--json', 'print JSON')
    .action((...given: unknown[]) =>
      run(definition, given.slice(0, parameters.length) as string[], given[parameters.length] as Flags),
    )
}

function flagOf({ name, kind, choices, nullable }: AdminOption): Option {
  const value = { text: '<text>', number: '<number>', boolean: '<true|false>', list: '<a,b>', json: '<json>' }
  const help = nullable ? 'null removes it' : ''
  const option = new Option(`--${kebab(name)} ${value[kind]}`, help)
  if (choices !== undefined && kind === 'text') return option.choices(choices)
  return option.argParser((text: string) => (nullable && text === 'null' ? NULL : PARSERS[kind](text)))
}

/** Stands for null, which commander takes for an option without a value. */
const NULL = Symbol('null')

const PARSERS: Readonly<Record<AdminOption['kind'], (text: string) => unknown>> = {
  text: (text) => text,
  number: numberArgument,
  boolean: booleanArgument,
  list: (text) => text.split(',').map((each) => each.trim()),
  json: jsonArgument,
}

function numberArgument(text: string): number {
  const number = Number(text)
  if (text.trim() !== '' && Number.isFinite(number)) return number
  throw new InvalidArgumentError('Not a number.')
}

function booleanArgument(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  throw new InvalidArgumentError('Neither true nor false.')
}

function jsonArgument(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new InvalidArgumentError('Not JSON.')
  }
}

function objectArgument(text: string): object {
  const value = jsonArgument(text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new InvalidArgumentError('Not a JSON object.')
}

async function run(definition: AdminCommand, ids: readonly string[], flags: Flags): Promise<void> {
  const { json, all } = flags
  const { columns } = definition
  const call = await caller(definition, flags)
  const request = requestOf(definition, ids, flags)
  const first = await call(request)
  if (!isPage(first)) {
    if (first === undefined) print(json, { done: true }, 'done')
    else print(json, first, linesOf(first, columns))
    return
  }
  const items = [...first.items]
  for (let cursor = first.cursor; all && cursor !== undefined; ) {
    const page = (await call({ ...request, query: { ...request.query, cursor } })) as Page
    items.push(...page.items)
    cursor = page.cursor
  }
  const { cursor, ...rest } = first
  const more = all || cursor === undefined ? [] : [`more: --cursor ${cursor}, or --all`]
  print(
    json,
    all ? { ...rest, items } : first,
    items.length === 0 ? 'none' : [...tableOf(items, columns), ...more],
  )
}

interface Request {
  readonly query: Readonly<Record<string, unknown>>
  readonly [part: string]: unknown
}
interface Page {
  readonly items: readonly object[]
  readonly cursor?: string
}

const isPage = (answer: object | undefined): answer is Page =>
  answer !== undefined && 'items' in answer && Array.isArray(answer.items)

/** The operation of the client. Errors: `bad-request` without an address or a key. */
async function caller({ operation, open }: AdminCommand, { index }: Flags) {
  const { STRAIGHTWAY_KEY: key = open ? 'none' : undefined } = process.env
  if (!index)
    throw new StraightwayError('bad-request', 'Where is INDEX? Give --index URL or STRAIGHTWAY_INDEX.')
  if (!key) throw new StraightwayError('bad-request', 'Which API key? Put it into STRAIGHTWAY_KEY.')
  const { createAdminClient } = await import('../peer/index.ts')
  const client = createAdminClient({ index, key }) as unknown as Readonly<
    Record<string, (request: Request) => Promise<object | undefined>>
  >
  return client[operation]!
}

function requestOf(
  { parameters, options, body }: AdminCommand,
  ids: readonly string[],
  flags: Flags,
): Request {
  const given = options
    .map((option) => ({ ...option, value: flags[option.name] }))
    .filter(({ value }) => value !== undefined)
  const part = (which: AdminOption['in']) =>
    Object.fromEntries(
      given
        .filter((each) => each.in === which)
        .map(({ name, value }) => [name, value === NULL ? null : value]),
    )
  return {
    ...Object.fromEntries(parameters.map((name, i) => [name, ids[i]])),
    query: part('query'),
    ...(body && { body: { ...flags.body, ...part('body') } }),
    ...(flags.ifVersion !== undefined && { ifVersion: flags.ifVersion }),
  }
}
