import { type CfnElement, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib'
import { type CfnStage, WebSocketApi, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2'
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { type Config, prefixOf } from '../config.ts'
import type { AccountRole } from './account-role.ts'
import { executeApi } from './execute-api.ts'
import { regionInFinding } from './finding.ts'
import { Refusals } from './refusals.ts'

const STAGE = 'ws'

type GatewayConfig = Pick<Config, 'name' | 'logDays' | 'emulator' | 'api'>

const accessLog = {
  requestId: '$context.requestId',
  connectionId: '$context.connectionId',
  eventType: '$context.eventType',
  status: '$context.status',
  ip: '$context.identity.sourceIp',
  error: '$context.error.message',
  refused: '$context.error.responseType',
}

/** The WebSocket API. Stream functions reach nodes through it, and so do peers without UDP. */
export class Gateway extends Construct {
  readonly api: WebSocketApi
  readonly stage: WebSocketStage
  /** URL that nodes and peers connect to. */
  readonly url: string
  /** URL through which functions post to connections and end them. */
  readonly managementEndpoint: string
  /** Counts messages and connections that API Gateway throttled. */
  readonly refusals: Refusals

  constructor(
    scope: Construct,
    id: string,
    { config, account }: { readonly config: GatewayConfig; readonly account: AccountRole },
  ) {
    super(scope, id)
    this.api = new WebSocketApi(this, 'Api', { apiName: `${prefixOf(config)}gateway` })
    this.stage = new WebSocketStage(this, 'Stage', {
      webSocketApi: this.api,
      stageName: STAGE,
      autoDeploy: true,
      // API Gateway has no limit per peer here; nodes limit the rate of each peer.
      throttle: {
        rateLimit: config.api.gatewayMessagesPerSecond,
        burstLimit: config.api.gatewayBurst,
      },
    })
    account.before(this.stage)
    this.refusals = this.#logAccess(config)
    this.url = executeApi(this, config, 'ws', this.api.apiId, STAGE)
    this.managementEndpoint = executeApi(this, config, 'http', this.api.apiId, STAGE)
  }

  /** Adds a route. The function of `$connect` authenticates; the other routes are open to established connections only. */
  route(key: '$connect' | '$disconnect' | '$default', handler: IFunction): void {
    const route = this.api.addRoute(key, {
      integration: new WebSocketLambdaIntegration(key.slice(1), handler),
    })
    Validations.of(route).acknowledge({
      id: 'AwsSolutions-APIG4',
      reason:
        key === '$connect'
          ? 'The function behind it is the authorizer: it refuses with 401 whoever shows no token of the fleet or ticket, which costs one invocation instead of two.'
          : 'API Gateway authorizes WebSocket connections at $connect only.',
    })
  }

  /** Grants posting to connections and ending them. Connections come and go, so a wildcard names them. */
  grantPush(handler: IFunction): void {
    const methods = ['POST', 'DELETE']
    const { partition, region, account } = Stack.of(this)
    const api = `arn:${partition}:execute-api:${region}:${account}:${this.api.apiId}`
    const resources = methods.map((method) => `${api}/${STAGE}/${method}/@connections/*`)
    handler.addToRolePolicy(new PolicyStatement({ actions: ['execute-api:ManageConnections'], resources }))
    const logicalId = Stack.of(this).getLogicalId(this.api.node.defaultChild as CfnElement)
    for (const method of methods) {
      Validations.of(handler.role ?? handler).acknowledge({
        id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:execute-api:${regionInFinding(region)}:<AWS::AccountId>:<${logicalId}>/${STAGE}/${method}/@connections/*]`,
        reason: 'The wildcard is the id of a connection: which ones there are is known when they are.',
      })
    }
  }

  #logAccess({ name, logDays }: GatewayConfig): Refusals {
    const log = new LogGroup(this, 'Access', {
      retention: logDays as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    })
    const stage = this.stage.node.defaultChild as CfnStage
    stage.accessLogSettings = {
      destinationArn: log.logGroupArn,
      format: JSON.stringify({ system: name, ...accessLog }),
    }
    const pattern = '{ $.refused = "THROTTLED" || $.status = "429" }'
    return new Refusals(this, 'Refusals', { log, metric: 'GatewayRefused', system: name, pattern })
  }
}
