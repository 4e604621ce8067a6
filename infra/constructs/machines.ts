import { RemovalPolicy } from 'aws-cdk-lib'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Topic } from 'aws-cdk-lib/aws-sns'
import type { Construct } from 'constructs'
import { type Config, prefixOf } from '../config.ts'
import type { Home } from './home.ts'
import { Network } from './network.ts'
import { NodeGroup } from './node-group.ts'

/** What a region has of the fleet. */
export interface Machines {
  readonly nodes: NodeGroup
  readonly relays: NodeGroup
}

/** Makes them in the scope itself, whichever region that is in. */
export function createMachines(scope: Construct, config: Config, home: Home): Machines {
  const network = new Network(scope, 'Network', config)
  const log = new LogGroup(scope, 'Log', {
    logGroupName: `/${prefixOf(config)}nodes`,
    retention: config.logDays as RetentionDays,
    removalPolicy: config.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
  })
  const topic = new Topic(scope, 'Failures', { enforceSSL: true })
  const common = { config, network, log, topic, home }
  const nodes = new NodeGroup(scope, 'nodes', {
    ...common,
    group: config.nodes,
    roles: ['checkpoint', 'handshake', 'stun'],
  })
  const relays = new NodeGroup(scope, 'relays', { ...common, group: config.relays, roles: ['relay'] })
  return { nodes, relays }
}
