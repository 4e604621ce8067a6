import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib'
import {
  AccessLogField,
  AccessLogFormat,
  Cors,
  EndpointType,
  type IResource,
  LambdaIntegration,
  LogGroupLogDestination,
  Period,
  ResponseType,
  RestApi,
  SecurityPolicy,
} from 'aws-cdk-lib/aws-apigateway'
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { ERRORS } from '../../shared/errors.ts'
import { type Config, prefixOf } from '../config.ts'
import { REST_ROUTES } from '../rest-routes.ts'
import type { AccountRole } from './account-role.ts'
import { Refusals } from './refusals.ts'

const STAGE = 'index'
const CORS_AGE = Duration.days(1)
const CORS_HEADERS = ['authorization', 'content-type', 'idempotency-key', 'if-match', 'if-none-match']

/** API Gateway's own answer to a path that no route has. It equals the function's answer, without calling the function. */
const NO_SUCH_PATH = {
  type: 'urn:straightway:error:not-found',
  title: ERRORS['not-found'].title,
  status: 404,
  code: 'not-found',
  detail: 'There is no such path: see GET /v1/openapi.json',
}

/** Fields of an access log line. Queries and headers are left out, because they hold filters and credentials. */
const accessLog = (system: string) => ({
  system,
  requestId: AccessLogField.contextRequestId(),
  ip: AccessLogField.contextIdentitySourceIp(),
  method: AccessLogField.contextHttpMethod(),
  path: AccessLogField.contextResourcePath(),
  status: AccessLogField.contextStatus(),
  ms: AccessLogField.contextResponseLatency(),
  // `THROTTLED` for API Gateway's own 429. A refusal by the WAF has another type, one by the function has none.
  refused: AccessLogField.contextErrorResponseType(),
})

export interface RestProps {
  readonly config: Config
  /** The function that answers every route. */
  readonly handler: IFunction
  /** The role that must exist before a stage with an access log. */
  readonly account: AccountRole
}

/** The REST API of INDEX: exactly the routes of functions/rest, with throttling, an access log and CORS for browsers. */
export class Rest extends Construct {
  readonly api: RestApi
  /** Counts requests that API Gateway throttled. */
  readonly refusals: Refusals

  constructor(scope: Construct, id: string, { config, handler, account }: RestProps) {
    super(scope, id)
    const log = new LogGroup(this, 'Access', {
      retention: config.logDays as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    })
    this.api = new RestApi(this, 'Api', {
      restApiName: `${prefixOf(config)}index`,
      description: 'Straightway: users, networks, peers, objects',
      endpointTypes: [EndpointType.REGIONAL],
      cloudWatchRole: false,
      defaultCorsPreflightOptions: {
        allowOrigins: Cors.ALL_ORIGINS,
        allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
        allowHeaders: CORS_HEADERS,
        maxAge: CORS_AGE,
      },
      deployOptions: {
        stageName: STAGE,
        throttlingRateLimit: config.api.requestsPerSecond,
        throttlingBurstLimit: config.api.burst,
        methodOptions: openLimits(config),
        tracingEnabled: config.tracing,
        accessLogDestination: new LogGroupLogDestination(log),
        accessLogFormat: AccessLogFormat.custom(JSON.stringify(accessLog(config.name))),
      },
      ...(config.domain && {
        domainName: {
          domainName: config.domain.name,
          certificate: Certificate.fromCertificateArn(this, 'Certificate', config.domain.certificateArn),
          securityPolicy: SecurityPolicy.TLS_1_2,
        },
      }),
    })
    account.before(this.api.deploymentStage)
    this.refusals = new Refusals(this, 'Refusals', {
      log,
      metric: 'IndexRefused',
      system: config.name,
      pattern: '{ $.refused = "THROTTLED" }',
    })
    this.#route(handler)
    this.#plan(config)
    this.#acknowledge()
  }

  #route(handler: IFunction): void {
    const integration = new LambdaIntegration(handler, { scopePermissionToMethod: false })
    for (const { method, path } of REST_ROUTES) resourceAt(this.api.root, path).addMethod(method, integration)
    // HEAD, and methods that a path does not have. The function answers the latter with 405 and `allow`.
    for (const path of new Set(REST_ROUTES.map(({ path }) => path)))
      resourceAt(this.api.root, path).addMethod('ANY', integration)
    this.api.addGatewayResponse('NoSuchPath', {
      type: ResponseType.MISSING_AUTHENTICATION_TOKEN,
      statusCode: '404',
      responseHeaders: { 'Content-Type': "'application/problem+json'", 'Access-Control-Allow-Origin': "'*'" },
      templates: { 'application/json': JSON.stringify(NO_SUCH_PATH) },
    })
  }

  /** A usage plan for clients that the team gives an API key of API Gateway: each key has its own rate limit. */
  #plan({ api }: Config): void {
    const throttle = {
      rateLimit: Math.ceil(api.requestsPerSecond / 10),
      burstLimit: Math.ceil(api.burst / 10),
    }
    const plan = this.api.addUsagePlan('Plan', {
      throttle,
      quota: { limit: throttle.rateLimit * 24 * 3600, period: Period.DAY },
    })
    plan.addApiStage({ stage: this.api.deploymentStage })
  }

  #acknowledge(): void {
    Validations.of(this).acknowledge(
      {
        id: 'AwsSolutions-APIG2',
        reason:
          'The function checks every request against its schema and answers with problem details that say what is wrong; the validator of API Gateway would answer first, with less.',
      },
      {
        id: 'AwsSolutions-APIG4',
        reason:
          'The function authenticates API keys and tickets (functions/rest/credentials.ts), which a Lambda authorizer would do with one more invocation; routes open to anybody are marked so in functions/rest/routes.ts.',
      },
      {
        id: 'AwsSolutions-COG4',
        reason: "Users are the identity provider's of the team, by OIDC, not of Cognito.",
      },
      {
        id: 'AwsSolutions-APIG6',
        reason:
          'The access log has one line a request and the function logs its failures; execution logs repeat both, with bodies.',
      },
    )
  }
}

function resourceAt(root: IResource, path: string): IResource {
  return path
    .split('/')
    .filter((part) => part !== '')
    .reduce((resource, part) => resource.getResource(part) ?? resource.addResource(part), root)
}

function openLimits({ api }: Config) {
  const limits = {
    throttlingRateLimit: Math.ceil(api.requestsPerSecond * api.openShare),
    throttlingBurstLimit: Math.ceil(api.burst * api.openShare),
  }
  const routes = REST_ROUTES.filter(({ open }) => open)
  return Object.fromEntries(routes.map(({ method, path }) => [`${path}/${method}`, limits]))
}
