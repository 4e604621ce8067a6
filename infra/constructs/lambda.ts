import { join } from 'node:path'
import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Architecture, LoggingFormat, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda'
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { type Config, prefixOf } from '../config.ts'
import type { FunctionDescription } from '../functions.ts'

export const ROOT = join(import.meta.dirname, '../..')

/** ESM has no `require`; packages that are not ESM, bundled into it, want one. */
const BANNER = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"

/** How esbuild makes a function of its entry; tests make the same bundles to weigh them. */
export const BUNDLING = {
  minify: true,
  target: 'node24',
  mainFields: ['module', 'main'],
  banner: BANNER,
}

export interface LambdaProps {
  readonly config: Pick<Config, 'name' | 'retain' | 'logDays' | 'tracing'>
  readonly description: FunctionDescription
  readonly environment: Readonly<Record<string, string>>
  /** At most this many at once; as many as the account has without. */
  readonly concurrency?: number | undefined
}

/**
 * A function of ours: Node 24 on arm64, one esbuild bundle without Docker and with the SDK inside, a role that can write
 * its own log and nothing else until granted, logs as JSON that end after a while.
 */
export class Lambda extends Construct {
  readonly function: NodejsFunction

  constructor(scope: Construct, id: string, { config, description, environment, concurrency }: LambdaProps) {
    super(scope, id)
    const { entry, does, memoryMb, timeoutSeconds } = description
    const functionName = `${prefixOf(config)}${id}`
    const logGroup = new LogGroup(this, 'Log', {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: config.logDays as RetentionDays,
      removalPolicy: config.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    })
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    logGroup.grantWrite(role)
    this.function = new NodejsFunction(this, 'Function', {
      functionName,
      description: `Straightway: ${does}`,
      entry: join(ROOT, entry),
      projectRoot: ROOT,
      depsLockFilePath: join(ROOT, 'package-lock.json'),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: memoryMb,
      timeout: Duration.seconds(timeoutSeconds),
      role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      tracing: config.tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      environment: { STRAIGHTWAY_TABLE_PREFIX: prefixOf(config), ...environment },
      bundling: { ...BUNDLING, format: OutputFormat.ESM, bundleAwsSDK: true },
      ...(concurrency !== undefined && { reservedConcurrentExecutions: concurrency }),
    })
    Validations.of(this).acknowledge(
      {
        id: 'AwsSolutions-IAM5[Resource::*]',
        reason: 'Sending X-Ray segments has no narrower resource; the tracing of Lambda adds it.',
      },
      {
        id: 'AwsSolutions-L1',
        reason: 'nodejs24.x is the newest runtime that is generally available; nodejs26.x is a preview.',
      },
    )
  }

  allow(actions: readonly string[], resources: readonly string[]): void {
    this.function.addToRolePolicy(new PolicyStatement({ actions: [...actions], resources: [...resources] }))
  }
}
