/**
 * The data and api stacks in an emulator, deployed as into an account: by the CDK CLI, through CloudFormation. What the
 * emulator has no machines for, the nodes, `nodes.ts` starts on this one.
 */
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { StraightwayError } from '../../shared/errors.ts'
import { type Cdk, connection, createCdk } from './cdk.ts'

/** Of infra/environments.ts. */
export const ENVIRONMENT = 'emulator'
/** Of the names of tables and secrets. */
export const PREFIX = `straightway-${ENVIRONMENT}-`
const STACK = `straightway-${ENVIRONMENT}-api`

export interface Deployed {
  readonly endpoint: string
  /** Base URL of INDEX. */
  readonly index: string
  /** Of the WebSocket API. */
  readonly gateway: string
  readonly cdk: Cdk
}

export async function deployTo(endpoint: string, log: (line: string) => void): Promise<Deployed> {
  const cdk = createCdk(endpoint, ENVIRONMENT)
  log('cdk bootstrap')
  await cdk.bootstrap()
  log('cdk deploy --all')
  const { IndexUrl, GatewayUrl } = (await cdk.deploy())[STACK] ?? {}
  if (IndexUrl && GatewayUrl) return { endpoint, index: IndexUrl, gateway: GatewayUrl, cdk }
  throw new StraightwayError('unavailable', `${STACK} has no outputs`)
}

/** The admin key: told once in the life of a deployment. Errors: `conflict` after that. */
export async function found(endpoint: string): Promise<string> {
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
