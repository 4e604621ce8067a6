/** Runs the real CDK CLI against an endpoint, as `npx cdk` does by hand. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { StraightwayError } from '../../shared/errors.ts'

const ROOT = join(import.meta.dirname, '../..')
const CLI = join(ROOT, 'node_modules/aws-cdk/bin/cdk')
const ACCOUNT = '000000000000'
const REGION = 'us-east-1'

/** Outputs: value by stack and name. */
export type Outputs = Readonly<Record<string, Readonly<Record<string, string>>>>

export interface Cdk {
  bootstrap(): Promise<void>
  /** Deploys the named stacks; by default all. */
  deploy(stacks?: readonly string[]): Promise<Outputs>
  destroy(stacks?: readonly string[]): Promise<void>
  /** Removes the synthesised templates. */
  close(): void
}

/** Configuration of an AWS client for the endpoint, with made-up credentials. Default region: us-east-1. */
export function connection(endpoint: string, region = REGION) {
  return { endpoint, region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }
}

/** The same configuration as environment variables for a process. */
export function awsEnvironment(endpoint: string, region = REGION): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ENDPOINT_URL_S3: endpoint,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
  }
}

export interface CdkOptions {
  /** Command that prints the stacks. Default: that of cdk.json. */
  readonly app?: string
  /** Default: us-east-1. */
  readonly region?: string
}

/**
 * Makes a CDK CLI for an endpoint. `environment`: name in infra/environments.ts. Every method rejects with `unavailable` and
 * the last output of the CLI.
 */
export function createCdk(
  endpoint: string,
  environment: string,
  { app, region = REGION }: CdkOptions = {},
): Cdk {
  const folder = mkdtempSync(join(tmpdir(), 'straightway-cdk-'))
  const outputs = join(folder, 'outputs.json')
  const context = ['--context', `environment=${environment}`, '--output', join(folder, 'out')]
  const common = app === undefined ? context : [...context, '--app', app]
  const cdk = (...arguments_: string[]) => run(awsEnvironment(endpoint, region), [...arguments_, ...common])
  return {
    bootstrap: () => cdk('bootstrap', `aws://${ACCOUNT}/${region}`),
    async deploy(stacks) {
      // Only these stacks: the CLI then bundles no functions of others.
      const which = stacks === undefined ? ['--all'] : [...stacks, '--exclusively']
      await cdk('deploy', ...which, '--require-approval', 'never', '--outputs-file', outputs)
      return JSON.parse(readFileSync(outputs, 'utf8')) as Outputs
    },
    destroy: (stacks = ['--all']) => cdk('destroy', ...stacks, '--force'),
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}

async function run(aws: Record<string, string>, arguments_: readonly string[]): Promise<void> {
  const PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH}`
  const child = spawn(process.execPath, [CLI, ...arguments_, '--ci', '--progress', 'events'], {
    cwd: ROOT,
    env: { ...process.env, ...aws, CDK_DISABLE_CLI_TELEMETRY: 'true', PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  const hear = (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-4_000)
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new StraightwayError('unavailable', `cdk ${arguments_[0]} failed:\n${said}`)
}
