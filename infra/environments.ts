/** The deployments there are: `npx cdk deploy --all -c environment=prod`. Add your own here. */
import { StraightwayError } from '../shared/errors.ts'
import { type Config, type ConfigInput, parseConfig } from './config.ts'

const ENVIRONMENTS: Readonly<Record<string, Omit<ConfigInput, 'name'>>> = {
  /** To try it: everything goes with its stack, and a new account's ten Lambdas are enough. */
  dev: {
    retain: false,
    backupDays: 7,
    logDays: 7,
    api: { concurrency: 'none', waf: false },
    relays: { instance: 't4g.small', max: 2, drainMinutes: 5 },
    monthlyBudgetDollars: 100,
  },
  prod: {},
  /** What `npm run deploy:local` puts into an emulator. */
  emulator: {
    retain: false,
    backupDays: 1,
    logDays: 1,
    api: { concurrency: 'none', waf: false, accountRole: 'exists' },
    // It serves WebSockets under its own address and tells functions another name.
    hosts: ['127.0.0.1'],
    emulator: { endpoint: process.env.AWS_ENDPOINT_URL ?? 'http://127.0.0.1:4566' },
  },
}

export const ENVIRONMENT_NAMES: readonly string[] = Object.keys(ENVIRONMENTS)

/** Errors: `not-found` where there is none of that name. */
export function environment(name: string): Config {
  const found = ENVIRONMENTS[name]
  if (found === undefined) {
    const known = ENVIRONMENT_NAMES.join(', ')
    throw new StraightwayError(
      'not-found',
      `There is no environment ${name}: infra/environments.ts has ${known}`,
    )
  }
  return parseConfig({ name, ...found })
}
