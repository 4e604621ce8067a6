/** Arguments of operator commands: `-c environment=NAME`, `--region REGION`, and the switches of each command. */
import { parseArgs } from 'node:util'
import { type Config, placesOf } from '../config.ts'
import { environment } from '../environments.ts'

export interface Told {
  readonly config: Config
  /** The home region. */
  readonly region: string
  readonly flags: ReadonlySet<string>
}

/** Parses the command line. `flags`: names of the command's switches. Errors: `not-found` if the environment is unknown. */
export function told(flags: readonly string[]): Told {
  const switches = Object.fromEntries(flags.map((flag) => [flag, { type: 'boolean' as const }]))
  const { values } = parseArgs({
    options: { context: { type: 'string', short: 'c' }, region: { type: 'string' }, ...switches },
  })
  const given = values as Readonly<Record<string, unknown>>
  const config = environment(String(given.context ?? 'environment=dev').replace('environment=', ''))
  const { AWS_REGION, AWS_DEFAULT_REGION } = process.env
  const here = given.region ?? AWS_REGION ?? AWS_DEFAULT_REGION ?? 'us-east-1'
  const region = placesOf(config).home ?? String(here)
  return { config, region, flags: new Set(flags.filter((flag) => given[flag] === true)) }
}

export const say = (line: string): void => void process.stdout.write(`${line}\n`)
