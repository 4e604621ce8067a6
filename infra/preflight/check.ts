/** The input and the result of a check before a deployment. */

import type { Config } from '../config.ts'
import type { Clients } from './clients.ts'

export interface Finding {
  /** `error`: the deployment would fail or not work. `warning`: a part of it would not work as expected. */
  readonly level: 'error' | 'warning'
  /** Stable name of the check, for programs. */
  readonly check: CheckName
  readonly region: string
  /** The problem, as a sentence. */
  readonly what: string
  /** The command or the setting that fixes it. */
  readonly mend: string
}

export type CheckName =
  | 'credentials'
  | 'bootstrap'
  | 'bootstrap-key'
  | 'access-log-role'
  | 'request-rate'
  | 'concurrency'
  | 'vpc'
  | 'subnets'
  | 'instance-types'
  | 'instance-quota'
  | 'certificate'
  | 'cost-tag'
  | 'operator'
  | 'stack-state'
  | 'left-behind'
  | 'not-checked'

/** A region that is checked. */
export interface Place {
  readonly config: Config
  readonly region: string
  readonly account: string
  /** `home` has all stacks, `second` nodes and relays only. */
  readonly kind: 'home' | 'second'
  readonly clients: Clients
  /** Status of each stack of this system that exists in the region, by name. */
  readonly stacks: ReadonlyMap<string, string>
}

export type Found = Omit<Finding, 'region'>
export type Check = (place: Place) => Promise<readonly Found[]>

export const stackNames = ({ name }: Pick<Config, 'name'>) => {
  const id = (stack: string) => `straightway-${name}-${stack}`
  return { data: id('data'), api: id('api'), edge: id('edge'), watch: id('watch') }
}
