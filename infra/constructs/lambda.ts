import { AssetHashType, DockerImage, Duration, Validations } from 'aws-cdk-lib'
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
  Tracing,
} from 'aws-cdk-lib/aws-lambda'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { writeFunction } from '../bundles.ts'
import { type Config, prefixOf } from '../config.ts'
import type { FunctionDescription } from '../functions.ts'
import { removalOf } from './removal.ts'

export interface LambdaProps {
  readonly config: Pick<Config, 'name' | 'retain' | 'logDays' | 'tracing'>
  readonly description: FunctionDescription
  readonly environment: Readonly<Record<string, string>>
  /** Reserved concurrency: the most executions at the same time. Default: the account's limit. */
  readonly concurrency?: number | undefined
}

/**
 * A Lambda function of the system. It runs Node.js 24 on arm64 from one bundled file that includes the AWS SDK
 * (infra/bundles.ts). Its role may only write its own log until more is granted. Logs are JSON and expire after `logDays`.
 */
export class Lambda extends Construct {
  readonly function: LambdaFunction

  constructor(scope: Construct, id: string, { config, description, environment, concurrency }: LambdaProps) {
    super(scope, id)
    const { does, memoryMb, timeoutSeconds } = description
    const functionName = `${prefixOf(config)}${id}`
    const logGroup = new LogGroup(this, 'Log', {
      retention: config.logDays as RetentionDays,
      removalPolicy: removalOf(config),
    })
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    logGroup.grantWrite(role)
    this.function = new LambdaFunction(this, 'Function', {
      functionName,
      description: `Straightway: ${does}`,
      code: codeOf(description),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: memoryMb,
      timeout: Duration.seconds(timeoutSeconds),
      role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      // Lambda's own lines about each call cost more than the calls. Durations are in its metrics anyway.
      systemLogLevelV2: SystemLogLevel.WARN,
      tracing: config.tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      environment: { STRAIGHTWAY_TABLE_PREFIX: prefixOf(config), ...environment },
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

  /** Adds a statement to the function's role. */
  allow(actions: readonly string[], resources: readonly string[]): void {
    this.function.addToRolePolicy(new PolicyStatement({ actions: [...actions], resources: [...resources] }))
  }
}

/**
 * The code asset of a function, bundled at synthesis without Docker. `environment` distinguishes the assets of functions,
 * because the CDK compares bundling options, but not the body of `tryBundle`.
 */
function codeOf(description: FunctionDescription): Code {
  return Code.fromAsset(import.meta.dirname, {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: DockerImage.fromRegistry('unused'),
      environment: { ENTRY: description.entry },
      local: {
        tryBundle(out) {
          writeFunction(description, out)
          return true
        },
      },
    },
  })
}
