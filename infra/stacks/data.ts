import { Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import type { Config } from '../config.ts'
import { Keys } from '../constructs/keys.ts'
import { Tables } from '../constructs/tables.ts'

export interface DataProps extends Pick<StackProps, 'env' | 'synthesizer'> {
  readonly config: Config
}

/**
 * The stack of what must never be lost: tables with their streams, and keys. With `retain` they outlive the stack, and the tables
 * refuse to be deleted. The stack itself has no termination protection: after a first deployment that failed, the CDK deletes the
 * stack and makes it anew, which the protection would forbid.
 */
export class DataStack extends Stack {
  readonly tables: Tables
  readonly keys: Keys

  constructor(scope: Construct, id: string, { config, ...props }: DataProps) {
    super(scope, id, { ...props, description: 'Straightway: tables and keys' })
    this.tables = new Tables(this, 'Tables', config)
    this.keys = new Keys(this, 'Keys', config)
  }
}
