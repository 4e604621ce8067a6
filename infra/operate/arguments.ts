/**
 * Arguments of operator commands: `-c environment=NAME`, `--region REGION`, and the switches of each command. Every command
 * runs in `command`, which says what is wrong in one line.
 */
import { parseArgs } from 'node:util'
import { STSClient } from '@aws-sdk/client-sts'
import { StraightwayError } from '../../shared/errors.ts'
import { type Config, placesOf } from '../config.ts'
import { ENVIRONMENT_NAMES, environment } from '../environments.ts'

export interface Told {
  readonly config: Config
  /** The home region. */
  readonly region: string
  readonly flags: ReadonlySet<string>
}

export interface Usage {
  /** Names of the command's switches. */
  readonly flags: readonly string[]
  /** Environment if none is named. Default: one must be named, because the command changes something. */
  readonly environment?: string
}

/** The ways to give credentials, as text for an error. */
export const CREDENTIALS =
  'aws sso login, or AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment'

/** Parses the command line. Errors: `bad-request` for a wrong one, `not-found` if the environment is unknown. */
export async function told(usage: Usage, line = process.argv.slice(2)): Promise<Told> {
  const switches = Object.fromEntries(usage.flags.map((flag) => [flag, { type: 'boolean' as const }]))
  const given = parsed(line, switches)
  const config = environment(environmentIn(given.context, usage))
  const region = placesOf(config).home ?? given.region ?? (await regionOfProfile())
  if (!/^[a-z]{2}(-[a-z]+)+-\d+$/.test(region))
    throw new StraightwayError('bad-request', `${region} is not a region of AWS, such as eu-west-1.`)
  return { config, region, flags: new Set(usage.flags.filter((flag) => given[flag] === true)) }
}

interface Given {
  readonly context?: readonly string[]
  readonly region?: string
  readonly [flag: string]: unknown
}

function parsed(args: readonly string[], switches: Record<string, { type: 'boolean' }>): Given {
  try {
    const context = { type: 'string', short: 'c', multiple: true } as const
    const options = { context, region: { type: 'string' }, ...switches } as const
    return parseArgs({ args: [...args], options }).values as Given
  } catch (error) {
    const known = [
      '-c environment=NAME',
      '--region REGION',
      ...Object.keys(switches).map((each) => `--${each}`),
    ]
    const said = (error as Error).message.split('. ')[0]
    throw new StraightwayError('bad-request', `${said}. The options are ${known.join(', ')}.`)
  }
}

/** The name in `-c environment=NAME`. As for the CDK, other context is ignored, and the last one counts. */
function environmentIn(context: readonly string[] = [], usage: Usage): string {
  const wrong = context.find((each) => !each.includes('='))
  if (wrong !== undefined)
    throw new StraightwayError('bad-request', `-c ${wrong} has no value: -c environment=${wrong}?`)
  const named = context.findLast((each) => each.startsWith('environment='))?.slice('environment='.length)
  if (named === undefined && usage.environment === undefined)
    throw new StraightwayError(
      'bad-request',
      `Name the environment, one of ${ENVIRONMENT_NAMES.join(', ')}: -c environment=NAME`,
    )
  return named ?? usage.environment ?? ''
}

/** The region that the CDK CLI would deploy to: of the environment variables, of the profile, or else us-east-1. */
async function regionOfProfile(): Promise<string> {
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env
  if (AWS_REGION || AWS_DEFAULT_REGION) return AWS_REGION || AWS_DEFAULT_REGION || ''
  const client = new STSClient()
  try {
    return await client.config.region()
  } catch {
    return 'us-east-1'
  } finally {
    client.destroy()
  }
}

/** Runs a command. If it fails, it prints the reason in one line, without a stack trace, and the exit code is 1. */
export async function command(run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    process.stderr.write(`${reasonOf(error)}\n`)
    process.exitCode = 1
  }
}

/** Returns the text of an error. If AWS refused the credentials, the text says how to give others. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const refused = /Credentials|ExpiredToken|InvalidClientTokenId|UnrecognizedClient/.test(error.name)
  return refused
    ? `There are no credentials that AWS accepts: ${error.message} Try ${CREDENTIALS}.`
    : error.message
}

export const say = (line: string): void => void process.stdout.write(`${line}\n`)
