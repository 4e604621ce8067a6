/** Checks whether an account and its regions are ready for a deployment. */
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts'
import { type Config, placesOf } from '../config.ts'
import { CREDENTIALS } from '../operate/arguments.ts'
import { accessLogs, concurrency } from './api.ts'
import { bootstrap } from './bootstrap.ts'
import type { Check, Finding, Place } from './check.ts'
import { type Clients, createClients } from './clients.ts'
import { leftBehind, stackStates } from './leftovers.ts'
import { instanceQuota, instanceTypes, subnets, vpc } from './machines.ts'
import { certificate, costTag, operator } from './operation.ts'
import { stacksOfEnvironment } from './stacks.ts'

const CHECKS: Readonly<Record<string, Check>> = {
  bootstrap,
  accessLogs,
  concurrency,
  vpc,
  subnets,
  instanceTypes,
  instanceQuota,
  certificate,
  costTag,
  operator,
  stackStates,
  leftBehind,
}

export interface Report {
  /** Account id. Undefined if AWS accepts no credentials. */
  readonly account?: string
  readonly regions: readonly string[]
  readonly findings: readonly Finding[]
}

/** Runs all checks in each region. `region`: the region of the deployment if the configuration names no regions. */
export async function preflight(config: Config, region: string): Promise<Report> {
  const { home = region, second } = placesOf(config)
  const places = [
    { region: home, kind: 'home' as const },
    ...(second ? [{ region: second, kind: 'second' as const }] : []),
  ]
  const regions = places.map((place) => place.region)
  const account = await accountOf(home)
  if (typeof account !== 'string') return { regions, findings: [account] }
  const findings = await Promise.all(places.map((place) => inspect(config, account, place)))
  return { account, regions, findings: findings.flat() }
}

/** The account id, 12 digits, or a finding about the credentials. */
async function accountOf(region: string): Promise<string | Finding> {
  const { sts, close } = createClients(region)
  try {
    return (await sts.send(new GetCallerIdentityCommand({}))).Account ?? ''
  } catch (error) {
    return {
      level: 'error',
      check: 'credentials',
      region,
      what: `There are no credentials that AWS accepts: ${(error as Error).message}`,
      mend: CREDENTIALS,
    }
  } finally {
    close()
  }
}

async function inspect(
  config: Config,
  account: string,
  { region, kind }: Pick<Place, 'region' | 'kind'>,
): Promise<Finding[]> {
  const clients = createClients(region)
  try {
    const place = { config, region, account, kind, clients, stacks: await stacksIn(clients, config) }
    const found = await Promise.all(
      Object.entries(CHECKS).map(([name, check]) => outcome(name, check, place)),
    )
    return found.flat().map((each) => ({ ...each, region }))
  } finally {
    clients.close()
  }
}

/** The result of a check. If AWS refuses a request, the result is a warning, and the other checks still run. */
const outcome = (name: string, check: Check, place: Place): ReturnType<Check> =>
  check(place).catch((error: Error) => [
    {
      level: 'warning',
      check: 'not-checked',
      what: `${name} could not be checked: ${error.name}: ${error.message}`,
      mend: 'credentials that may describe, list and get in this account',
    },
  ])

async function stacksIn({ cloudFormation }: Clients, config: Config): Promise<Map<string, string>> {
  const stacks = await stacksOfEnvironment(cloudFormation, config)
  return new Map(stacks.map(({ StackName = '', StackStatus = '' }) => [StackName, StackStatus]))
}
