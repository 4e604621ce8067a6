/**
 * The system in an emulator, deployed by the CDK CLI through CloudFormation, as into an account. An emulator has no
 * machines for the nodes, so `nodes.ts` starts them on this one. If its edition has no APIs, the functions run here as
 * well (beside.ts).
 */
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { StraightwayError } from '../../shared/errors.ts'
import { startBeside } from './beside.ts'
import { type Cdk, connection, createCdk } from './cdk.ts'
import { servesApis } from './edition.ts'
import { ENVIRONMENT, PREFIX, STACKS } from './names.ts'

export interface Apis {
  /** Base URL of INDEX. */
  readonly index: string
  /** URL of the WebSocket API. */
  readonly gateway: string
  /** Returns the admin key, once in the life of a deployment. Rejects with `conflict` after that. */
  found(): Promise<string>
  /** Ends the processes that run beside the emulator. */
  close(): Promise<void>
}

export interface Deployed extends Apis {
  readonly endpoint: string
  readonly cdk: Cdk
  /** Names of the deployed stacks. */
  readonly stacks: readonly string[]
}

export async function deployTo(endpoint: string, log: (line: string) => void): Promise<Deployed> {
  const cdk = createCdk(endpoint, ENVIRONMENT)
  log('cdk bootstrap')
  await cdk.bootstrap()
  const stacks = (await servesApis(endpoint)) ? [STACKS.data, STACKS.api] : [STACKS.data]
  log(`cdk deploy ${stacks.join(' ')}`)
  const outputs = (await cdk.deploy(stacks))[STACKS.api]
  const isWhole = stacks.length > 1
  if (!isWhole) log('Functions and the gateway run beside it, as this edition has no WebSocket APIs')
  const apis = isWhole ? deployedApis(endpoint, outputs) : await startBeside(endpoint, log)
  return { endpoint, cdk, stacks, ...apis }
}

function deployedApis(endpoint: string, outputs: Readonly<Record<string, string>> = {}): Apis {
  const { IndexUrl, GatewayUrl } = outputs
  if (!IndexUrl || !GatewayUrl) throw new StraightwayError('unavailable', `${STACKS.api} has no outputs`)
  return { index: IndexUrl, gateway: GatewayUrl, found: () => foundDeployed(endpoint), close: async () => {} }
}

/** Gets the admin key from the deployed function. Rejects with `conflict` if it was returned before. */
export async function foundDeployed(endpoint: string): Promise<string> {
  const client = new LambdaClient(connection(endpoint))
  const invoke = new InvokeCommand({ FunctionName: `${PREFIX}founding` })
  const { Payload, FunctionError } = await client.send(invoke)
  client.destroy()
  const reply = JSON.parse(Buffer.from(Payload ?? []).toString() || '{}') as {
    adminKey?: string
    errorMessage?: string
  }
  if (FunctionError || reply.adminKey === undefined)
    throw new StraightwayError('conflict', reply.errorMessage ?? 'The admin key was not told.')
  return reply.adminKey
}
