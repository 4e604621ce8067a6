/**
 * Gives nodes access to the home region: the URLs of its APIs, and permission to use its tables and the fleet key.
 *
 * - In the home region (`homeHere`) these are references to the other stacks.
 * - In the second region (`homeElsewhere`) there are no references across regions. Tables and the key are found by name, and
 *   an instance reads the URLs from SSM parameters of the home region when it first starts.
 */
import { Stack } from 'aws-cdk-lib'
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { StringParameter } from 'aws-cdk-lib/aws-ssm'
import type { Construct } from 'constructs'
import { TABLES, type TableName } from '../../shared/store/tables.ts'
import { type Config, prefixOf } from '../config.ts'
import { NODE_TABLES } from '../functions.ts'
import { keyName } from '../key-names.ts'
import { grantTables, type TableArns, type TableUse } from './grants.ts'
import type { Keys } from './keys.ts'
import type { Tables } from './tables.ts'

export interface Home {
  /** Environment variables of a node whose values are known at synthesis: name to value. */
  readonly told: Readonly<Record<string, string>>
  /** Environment variables that an instance looks up at its first start: name to the shell command that prints the value. */
  readonly found: Readonly<Record<string, string>>
  /** Grants what a node needs: its tables, the fleet key, and the parameters that the commands of `found` read. */
  grant(to: IGrantable): void
  /** Grants access to the given tables of the home region. */
  grantTables(to: IGrantable, use: TableUse): void
}

/** URLs of the APIs in the home region. */
export interface Addresses {
  /** INDEX under API Gateway's own host name. A custom domain does not resolve until the team creates its DNS record. */
  readonly index: string
  /** The WebSocket API. */
  readonly gateway: string
}

export interface HomeParts {
  readonly tables: Tables
  readonly keys: Keys
  readonly addresses: Addresses
}

/** The home region as its own stacks see it. */
export function homeHere({ tables, keys, addresses }: HomeParts): Home {
  return {
    told: {
      FLEET_SECRET: keys.fleet.secretArn,
      INDEX_URL: addresses.index,
      GATEWAY_URL: addresses.gateway,
    },
    found: {},
    grant(to) {
      grantTables(tables.all, to, NODE_TABLES)
      keys.fleet.grantRead(to)
    },
    grantTables: (to, use) => grantTables(tables.all, to, use),
  }
}

/** The home region `region` as a stack of another region sees it. `scope`: a construct of that stack. */
export function homeElsewhere(scope: Construct, config: Config, region: string): Home {
  const { partition, account } = Stack.of(scope)
  const arn = (service: string, resource: string) =>
    `arn:${partition}:${service}:${region}:${account}:${resource}`
  const tables = tablesNamed(config, (name) => arn('dynamodb', `table/${name}`))
  const parameters = [parameterName(config, 'index-url'), parameterName(config, 'gateway-url')]
  const allow = (to: IGrantable, actions: string[], resources: string[]) =>
    to.grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ actions, resources }))
  return {
    told: { HOME_REGION: region, FLEET_SECRET: keyName(config, 'Fleet') },
    found: {
      INDEX_URL: readingOf(parameters[0]!, region),
      GATEWAY_URL: readingOf(parameters[1]!, region),
    },
    grant(to) {
      grantTables(tables, to, NODE_TABLES)
      // Secrets Manager appends six random characters to the name.
      const secret = arn('secretsmanager', `secret:${keyName(config, 'Fleet')}-??????`)
      allow(to, ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'], [secret])
      allow(
        to,
        ['ssm:GetParameter'],
        parameters.map((name) => arn('ssm', `parameter${name}`)),
      )
    },
    grantTables: (to, use) => grantTables(tables, to, use),
  }
}

/** Writes the URLs of the APIs to SSM parameters, where instances of `homeElsewhere` read them. */
export function announceHome(scope: Construct, config: Config, { index, gateway }: Addresses): void {
  const announce = (id: string, what: 'index-url' | 'gateway-url', stringValue: string) =>
    new StringParameter(scope, id, { parameterName: parameterName(config, what), stringValue })
  announce('IndexUrlForNodes', 'index-url', index)
  announce('GatewayUrlForNodes', 'gateway-url', gateway)
}

function tablesNamed(config: Pick<Config, 'name'>, arnOf: (name: string) => string): TableArns {
  const names = Object.keys(TABLES) as TableName[]
  const entries = names.map((name) => [name, { tableArn: arnOf(`${prefixOf(config)}${name}`) }] as const)
  return Object.fromEntries(entries) as TableArns
}

const parameterName = ({ name }: Pick<Config, 'name'>, what: 'index-url' | 'gateway-url'): string =>
  `/straightway-${name}/${what}`

const readingOf = (parameter: string, region: string): string =>
  `aws ssm get-parameter --region ${region} --name ${parameter} --query Parameter.Value --output text`
