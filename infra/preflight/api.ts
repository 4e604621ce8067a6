/** Checks of the account's limits and settings for the APIs and their functions. */
import { GetAccountCommand } from '@aws-sdk/client-api-gateway'
import { GetAccountSettingsCommand } from '@aws-sdk/client-lambda'
import { type Check, stackNames } from './check.ts'

export const accessLogs: Check = async ({ config, kind, clients, stacks }) => {
  if (kind === 'second') return []
  const { cloudwatchRoleArn, throttleSettings } = await clients.apiGateway.send(new GetAccountCommand({}))
  const { accountRole, requestsPerSecond } = config.api
  const rate = throttleSettings?.rateLimit ?? requestsPerSecond
  const slow = {
    level: 'warning',
    check: 'request-rate',
    what: `The account allows ${rate} requests a second, and the configuration ${requestsPerSecond}.`,
    mend: `api: { requestsPerSecond: ${rate} } in infra/environments.ts, or a higher quota of API Gateway`,
  } as const
  const missing = {
    level: 'error',
    check: 'access-log-role',
    what: 'API Gateway has no role to write logs with, so it would refuse both stages.',
    mend: "api: { accountRole: 'make' } in infra/environments.ts",
  } as const
  const replaced = {
    level: 'warning',
    check: 'access-log-role',
    what: `API Gateway writes the logs of this account with ${cloudwatchRoleArn}, which the deployment would replace.`,
    mend: "api: { accountRole: 'exists' } in infra/environments.ts",
  } as const
  return [
    ...(rate < requestsPerSecond ? [slow] : []),
    ...(accountRole === 'exists' && !cloudwatchRoleArn ? [missing] : []),
    ...(accountRole === 'make' && cloudwatchRoleArn && !stacks.has(stackNames(config).api) ? [replaced] : []),
  ]
}

/** Executions that Lambda keeps free for functions without reserved concurrency. */
const UNRESERVED = 100
const GATEWAY_FUNCTIONS = 3

export const concurrency: Check = async ({ config, kind, clients, stacks }) => {
  const wanted = config.api.concurrency
  if (wanted === 'none' || kind === 'second' || stacks.has(stackNames(config).api)) return []
  const { AccountLimit = {} } = await clients.lambda.send(new GetAccountSettingsCommand({}))
  const { ConcurrentExecutions = 0, UnreservedConcurrentExecutions = ConcurrentExecutions } = AccountLimit
  const needed = wanted.rest + GATEWAY_FUNCTIONS * wanted.gateway + UNRESERVED
  if (UnreservedConcurrentExecutions >= needed) return []
  const quota = ConcurrentExecutions - UnreservedConcurrentExecutions + needed
  return [
    {
      level: 'error',
      check: 'concurrency',
      what: `${UnreservedConcurrentExecutions} Lambdas can run at the same time, and the reservations need ${needed}.`,
      mend: `api: { concurrency: 'none' } in infra/environments.ts, or aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value ${quota}`,
    },
  ]
}
