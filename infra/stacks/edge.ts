import { RemovalPolicy, Stack } from 'aws-cdk-lib'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Topic } from 'aws-cdk-lib/aws-sns'
import type { Construct } from 'constructs'
import { type Config, prefixOf } from '../config.ts'
import { grantTables } from '../constructs/grants.ts'
import { KeyRotation } from '../constructs/key-rotation.ts'
import { Network } from '../constructs/network.ts'
import { NodeGroup } from '../constructs/node-group.ts'
import { NODE_TABLES } from '../functions.ts'
import type { ApiStack } from './api.ts'
import type { DataStack } from './data.ts'

export interface EdgeProps {
  readonly config: Config
  readonly data: DataStack
  readonly api: ApiStack
}

/** What moves peers when it is replaced: the network, the nodes and the relays, and the keys they are told at their start. */
export class EdgeStack extends Stack {
  readonly nodes: NodeGroup
  readonly relays: NodeGroup

  constructor(scope: Construct, id: string, { config, data, api }: EdgeProps) {
    super(scope, id, { description: 'Straightway: nodes and relays' })
    const network = new Network(this, 'Network', config)
    const log = new LogGroup(this, 'Log', {
      logGroupName: `/${prefixOf(config)}nodes`,
      retention: config.logDays as RetentionDays,
      removalPolicy: config.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    })
    const common = {
      config,
      network,
      log,
      topic: new Topic(this, 'Failures', { enforceSSL: true }),
      fleetSecret: data.keys.fleet.secretArn,
      indexUrl: api.indexUrl,
      gatewayUrl: api.gateway.url,
    }
    this.nodes = new NodeGroup(this, 'nodes', {
      ...common,
      group: config.nodes,
      roles: ['checkpoint', 'handshake', 'stun'],
    })
    this.relays = new NodeGroup(this, 'relays', { ...common, group: config.relays, roles: ['relay'] })
    for (const { role } of [this.nodes, this.relays]) {
      grantTables(data.tables.all, role, NODE_TABLES)
      data.keys.fleet.grantRead(role)
    }
    const groups = [this.nodes.name, this.relays.name]
    new KeyRotation(this, 'Keys', { config, keys: data.keys, groups })
  }
}
