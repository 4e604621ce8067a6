import { Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import type { Config } from '../config.ts'
import { homeHere } from '../constructs/home.ts'
import { KeyRotation } from '../constructs/key-rotation.ts'
import { createMachines, type Machines } from '../constructs/machines.ts'
import type { NodeGroup } from '../constructs/node-group.ts'
import type { ApiStack } from './api.ts'
import type { DataStack } from './data.ts'

export interface EdgeProps extends Pick<StackProps, 'env' | 'synthesizer'> {
  readonly config: Config
  readonly data: DataStack
  readonly api: ApiStack
}

/** The stack whose replacement moves peers: the network, the nodes and the relays. It also holds the rotation of keys. */
export class EdgeStack extends Stack implements Machines {
  readonly nodes: NodeGroup
  readonly relays: NodeGroup

  constructor(scope: Construct, id: string, { config, data, api, ...props }: EdgeProps) {
    super(scope, id, { ...props, description: 'Straightway: nodes and relays' })
    const { nodes, relays } = createMachines(
      this,
      config,
      homeHere({ tables: data.tables, keys: data.keys, addresses: api.addresses }),
    )
    this.nodes = nodes
    this.relays = relays
    new KeyRotation(this, 'Keys', { config, keys: data.keys })
  }
}
