/** The deployments there are: `npx cdk deploy --all -c environment=prod`. Add your own here. */
import { StraightwayError } from '../shared/errors.ts'
import { type Config, type ConfigInput, parseConfig } from './config.ts'

type Environment = Omit<ConfigInput, 'name'>

/** What an emulator can take. */
const EMULATED: Environment = {
  retain: false,
  backupDays: 1,
  logDays: 1,
  api: { concurrency: 'none', waf: false, accountRole: 'exists' },
  // It serves WebSockets under its own address and tells functions another name.
  hosts: ['127.0.0.1'],
  emulator: { endpoint: process.env.AWS_ENDPOINT_URL ?? 'http://127.0.0.1:4566' },
}

const ENVIRONMENTS: Readonly<Record<string, Environment>> = {
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
  emulator: EMULATED,
  /** What `npm run test:account` makes and removes again. */
  account: {
    retain: false,
    backupDays: 1,
    logDays: 1,
    // A role that it made would stay, as the account refers to it.
    api: { concurrency: 'none', waf: false, accountRole: 'exists' },
    nodes: { drainMinutes: 1 },
    relays: { instance: 't4g.small', max: 2, drainMinutes: 1 },
    monthlyBudgetDollars: 10,
  },
  /** As `emulator`, but tables and keys outlive their stack: what the commands of an operator are tried on. */
  kept: { ...EMULATED, retain: true },
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
