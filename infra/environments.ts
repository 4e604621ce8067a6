/** The named deployments, as in `npx cdk deploy --all -c environment=prod`. Add your own here. */
import { StraightwayError } from '../shared/errors.ts'
import { type Config, type ConfigInput, parseConfig } from './config.ts'

type Environment = Omit<ConfigInput, 'name'>

/** Settings that an AWS emulator supports. */
const EMULATED: Environment = {
  retain: false,
  backupDays: 1,
  logDays: 1,
  api: { concurrency: 'none', waf: false, accountRole: 'exists' },
  // The emulator serves WebSockets under this address, but gives functions another host name.
  hosts: ['127.0.0.1'],
  emulator: { endpoint: process.env.AWS_ENDPOINT_URL ?? 'http://127.0.0.1:4566' },
}

const ENVIRONMENTS: Readonly<Record<string, Environment>> = {
  /** For trying the system: deleting a stack deletes everything in it, and a new account's ten Lambdas are enough. */
  dev: {
    retain: false,
    backupDays: 7,
    logDays: 7,
    api: { concurrency: 'none', waf: false },
    relays: { instance: 't4g.small', max: 2, drainMinutes: 5 },
    monthlyBudgetDollars: 100,
  },
  prod: {},
  /** For `npm run deploy:local`, which deploys to an emulator. */
  emulator: EMULATED,
  /** For `npm run test:account`, which deploys to a real account and removes everything again. */
  account: {
    retain: false,
    backupDays: 1,
    logDays: 1,
    // A role made here would stay behind, because the account refers to it.
    api: { concurrency: 'none', waf: false, accountRole: 'exists' },
    nodes: { drainMinutes: 1 },
    relays: { instance: 't4g.small', max: 2, drainMinutes: 1 },
    monthlyBudgetDollars: 10,
  },
  /** Like `emulator`, but tables and keys outlive their stack. Operator commands are tested on it. */
  kept: { ...EMULATED, retain: true },
}

export const ENVIRONMENT_NAMES: readonly string[] = Object.keys(ENVIRONMENTS)

/** The configuration of the environment called `name`. Errors: `not-found` if there is none. */
export function environment(name: string): Config {
  const found = Object.hasOwn(ENVIRONMENTS, name) ? ENVIRONMENTS[name] : undefined
  if (found === undefined) {
    const known = ENVIRONMENT_NAMES.join(', ')
    throw new StraightwayError(
      'not-found',
      `There is no environment ${name}: infra/environments.ts has ${known}`,
    )
  }
  return parseConfig({ name, ...found })
}
