import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'
import type { Config } from '../config.ts'
import type { Home } from './home.ts'
import { Network } from './network.ts'
import { NodeGroup } from './node-group.ts'
import { operatorTopic } from './operator-topic.ts'
import { removalOf } from './removal.ts'

/** The instance groups of the fleet in one region. */
export interface Machines {
  readonly nodes: NodeGroup
  readonly relays: NodeGroup
}

/** Creates the network and the two groups directly in `scope`, in whichever region its stack is. */
export function createMachines(scope: Construct, config: Config, home: Home): Machines {
  const network = new Network(scope, 'Network', config)
  const log = new LogGroup(scope, 'Log', {
    retention: config.logDays as RetentionDays,
    removalPolicy: removalOf(config),
  })
  const topic = operatorTopic(scope, 'Failures', { config })
  const common = { config, network, log, topic, home }
  const nodes = new NodeGroup(scope, 'nodes', {
    ...common,
    group: config.nodes,
    roles: ['checkpoint', 'handshake', 'stun'],
  })
  const relays = new NodeGroup(scope, 'relays', { ...common, group: config.relays, roles: ['relay'] })
  return { nodes, relays }
}
