import { CfnOutput, Stack, type StackProps, Validations } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { type Config, placesOf } from '../config.ts'
import { AccountRole } from '../constructs/account-role.ts'
import { executeApi } from '../constructs/execute-api.ts'
import { Firewall } from '../constructs/firewall.ts'
import { grantTables } from '../constructs/grants.ts'
import { type Addresses, announceHome } from '../constructs/home.ts'
import { Lambda } from '../constructs/lambda.ts'
import { Rest } from '../constructs/rest-api.ts'
import { ScheduledCall } from '../constructs/schedule.ts'
import { Seed } from '../constructs/seed.ts'
import { StreamMappings } from '../constructs/stream-mappings.ts'
import { Gateway } from '../constructs/websocket-api.ts'
import { FUNCTIONS, type FunctionDescription, type FunctionName } from '../functions.ts'
import type { DataStack } from './data.ts'

export interface ApiProps extends Pick<StackProps, 'env' | 'synthesizer'> {
  readonly config: Config
  readonly data: DataStack
}

/** The stack that holds no data and changes with every release: both APIs, all functions, their schedules and mappings. */
export class ApiStack extends Stack {
  /** All functions. The canary is undefined if the configuration does without it. */
  readonly functions: Readonly<Record<Exclude<FunctionName, 'canary'>, Lambda>> & { readonly canary?: Lambda }
  readonly streams: Readonly<Partial<Record<FunctionName, StreamMappings>>>
  readonly gateway: Gateway
  readonly rest: Rest
  /** URL of INDEX for peers, without a trailing slash. */
  readonly indexUrl: string
  /** URLs of the APIs for nodes. */
  readonly addresses: Addresses

  constructor(scope: Construct, id: string, { config, data, ...props }: ApiProps) {
    super(scope, id, { ...props, description: 'Straightway: REST and WebSocket APIs, and their functions' })
    const account = new AccountRole(this, 'Account', config)
    this.gateway = new Gateway(this, 'Gateway', { config, account })
    const made = namesIn(config).map((name) => [name, this.#lambda(name, config, data)] as const)
    this.functions = Object.fromEntries(made) as Record<FunctionName, Lambda>
    this.streams = this.#mapStreams(config, data)
    this.#schedule(config)
    this.gateway.route('$connect', this.functions.connect.function)
    this.gateway.route('$disconnect', this.functions.disconnect.function)
    this.gateway.route('$default', this.functions.message.function)
    this.rest = new Rest(this, 'Rest', { config, handler: this.functions.rest.function, account })
    this.#guard(config)
    const { restApiId, deploymentStage } = this.rest.api
    const index = executeApi(this, config, 'http', restApiId, deploymentStage.stageName)
    this.addresses = { index, gateway: this.gateway.url }
    this.indexUrl = config.domain ? `https://${config.domain.name}` : index
    this.#sing(config)
    if (placesOf(config).second) announceHome(this, config, this.addresses)
    this.#tell('IndexUrl', this.indexUrl, 'INDEX: where peers start')
    this.#tell('GatewayUrl', this.gateway.url, 'The WebSocket API')
    const { domainName } = this.rest.api
    if (domainName === undefined) return
    this.#tell(
      'DomainTarget',
      domainName.domainNameAliasDomainName,
      'Where the DNS record of the domain leads',
    )
    this.#tell(
      'DomainTargetZone',
      domainName.domainNameAliasHostedZoneId,
      'Its zone, for an alias of Route 53',
    )
  }

  #tell(name: string, value: string, description: string): void {
    new CfnOutput(this, name, { value, description })
  }

  #lambda(name: FunctionName, config: Config, data: DataStack): Lambda {
    const description: FunctionDescription = FUNCTIONS[name]
    const environment = environmentOf(name, config, data, this.gateway)
    const lambda = new Lambda(this, name, {
      config,
      description,
      environment,
      concurrency: limitOf(name, config),
    })
    grantTables(data.tables.all, lambda.function, description)
    if (description.key !== undefined) data.keys[description.key].grantRead(lambda.function)
    if (description.pushes) this.gateway.grantPush(lambda.function)
    return lambda
  }

  #mapStreams(config: Config, data: DataStack): Partial<Record<FunctionName, StreamMappings>> {
    const mapped = namesIn(config).flatMap((name) => {
      const { streams, gathers, inserts }: FunctionDescription = FUNCTIONS[name]
      if (streams === undefined) return []
      const tables = streams.map((table) => data.tables.all[table])
      const props = { config, tables, gathers, inserts, function: this.functions[name]!.function }
      return [[name, new StreamMappings(this, `${name}-streams`, props)] as const]
    })
    return Object.fromEntries(mapped)
  }

  #guard(config: Config): void {
    const stage = this.rest.api.deploymentStage
    if (config.api.waf) new Firewall(this, 'Firewall', config, stage.stageArn)
    else
      Validations.of(stage).acknowledge({
        id: 'AwsSolutions-APIG3',
        reason:
          'The configuration of this environment does without a WAF; the throttling of the stage holds.',
      })
  }

  #schedule(config: Config): void {
    for (const name of namesIn(config)) {
      const { every, parts }: FunctionDescription = FUNCTIONS[name]
      const target = this.functions[name]!.function
      // An emulator has no nodes until somebody starts them, so its canary sings when it is called.
      const enabled = name !== 'canary' || config.emulator === undefined
      if (every !== undefined) new ScheduledCall(this, `${name}-schedule`, { every, parts, target, enabled })
    }
  }

  /** Tells the canary what an application knows: the address of INDEX, and a seed of its own. */
  #sing({ name }: Config): void {
    const canary = this.functions.canary?.function
    if (canary === undefined) return
    const { secret } = new Seed(this, 'CanarySeed')
    secret.grantRead(canary)
    const environment = { SYSTEM: name, INDEX_URL: this.indexUrl, SEED_SECRET: secret.secretArn }
    for (const [key, value] of Object.entries(environment)) canary.addEnvironment(key, value)
  }
}

const namesIn = ({ canary }: Config) =>
  (Object.keys(FUNCTIONS) as FunctionName[]).filter((name) => canary || name !== 'canary')

/** Reserved concurrency of a function. Functions that anybody can call are limited, so that a flood cannot starve the others. */
function limitOf(name: FunctionName, { api: { concurrency } }: Config): number | undefined {
  if (concurrency === 'none') return undefined
  if (name === 'rest') return concurrency.rest
  return ['connect', 'disconnect', 'message'].includes(name) ? concurrency.gateway : undefined
}

function environmentOf(
  name: FunctionName,
  config: Config,
  { keys }: DataStack,
  gateway: Gateway,
): Record<string, string> {
  const { key, pushes }: FunctionDescription = FUNCTIONS[name]
  const { name: system, oidc } = config
  const hosts = config.hosts.join(',')
  const { home, second } = placesOf(config)
  return {
    ...(key === 'ticket' && { TICKET_SECRET: keys.ticket.secretArn, WEBSOCKET_URL: gateway.url }),
    ...(key === 'fleet' && { FLEET_SECRET: keys.fleet.secretArn }),
    ...(hosts !== '' && key === 'ticket' && { INDEX_HOSTS: hosts }),
    ...(hosts !== '' && key === 'fleet' && { GATEWAY_HOSTS: hosts }),
    ...(pushes && { MANAGEMENT_ENDPOINT: gateway.managementEndpoint }),
    ...(name === 'rest' && oidc && { OIDC_ISSUER: oidc.issuer, OIDC_AUDIENCE: oidc.audience }),
    ...(name === 'fleetMetrics' && { SYSTEM: system, ...(home && second && { REGION: home }) }),
  }
}
