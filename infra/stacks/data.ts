import { Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import type { Config } from '../config.ts'
import { Keys } from '../constructs/keys.ts'
import { Tables } from '../constructs/tables.ts'

export interface DataProps extends Pick<StackProps, 'env' | 'synthesizer'> {
  readonly config: Config
}

/** The stack of what must never be lost: tables with their streams, and keys. */
export class DataStack extends Stack {
  readonly tables: Tables
  readonly keys: Keys

  constructor(scope: Construct, id: string, { config, ...props }: DataProps) {
    super(scope, id, {
      ...props,
      description: 'Straightway: tables and keys',
      terminationProtection: config.retain,
    })
    this.tables = new Tables(this, 'Tables', config)
    this.keys = new Keys(this, 'Keys', config)
  }
}
