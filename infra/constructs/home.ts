/**
 * What nodes need of the home region: where its APIs are, and the right to use its tables and the key of the fleet. In the home
 * region that is taken from the other stacks. From another region nothing can be referred to, so there tables and key are known
 * by their names, and addresses are read from parameters of the home region when an instance starts.
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
  /** What an instance is told, by the name of the variable. */
  readonly told: Readonly<Record<string, string>>
  /** What it finds out at its first start: variable to command. */
  readonly found: Readonly<Record<string, string>>
  /** Of a node: tables, the key of the fleet, and where to look for what is found. */
  grant(to: IGrantable): void
  grantTables(to: IGrantable, use: TableUse): void
}

/** Where the APIs of home are. */
export interface Addresses {
  /** INDEX as API Gateway itself serves it. The name of a custom domain leads nowhere until its DNS record is made. */
  readonly index: string
  readonly gateway: string
}

export interface HomeParts {
  readonly tables: Tables
  readonly keys: Keys
  readonly addresses: Addresses
}

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

/** `scope`: of the stack in the other region. */
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
      // Secrets Manager puts six characters of its own behind the name.
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

/** Where the APIs are, for `homeElsewhere`. */
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
