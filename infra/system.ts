/**
 * A whole system as stacks, one for each lifetime: what must never be lost, what is replaced with every release, what
 * moves peers when it is replaced, and what watches the rest.
 */
import { type App, type Stack, Tags } from 'aws-cdk-lib'
import type { Config } from './config.ts'
import { ApiStack } from './stacks/api.ts'
import { DataStack } from './stacks/data.ts'
import { EdgeStack } from './stacks/edge.ts'
import { WatchStack } from './stacks/watch.ts'

export interface System {
  readonly data: DataStack
  readonly api: ApiStack
  /** An emulator has no machines: `local` runs the nodes. */
  readonly edge?: EdgeStack
  readonly watch?: WatchStack
}

export function createSystem(app: App, config: Config): System {
  const data = new DataStack(app, `straightway-${config.name}-data`, { config })
  const api = new ApiStack(app, `straightway-${config.name}-api`, { config, data })
  Tags.of(app).add('straightway', config.name)
  if (config.emulator !== undefined) return { data, api }
  const edge = new EdgeStack(app, `straightway-${config.name}-edge`, { config, data, api })
  const watch = new WatchStack(app, `straightway-${config.name}-watch`, { config, api, edge })
  return { data, api, edge, watch }
}

export function stacksOf({ data, api, edge, watch }: System): Stack[] {
  return [data, api, edge, watch].filter((stack) => stack !== undefined)
}
