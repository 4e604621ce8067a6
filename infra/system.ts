/**
 * A whole system as stacks, one for each lifetime: what must never be lost, what is replaced with every release, what
 * moves peers when it is replaced, and what watches the rest.
 */
import { type App, type Stack, Tags } from 'aws-cdk-lib'
import { type Config, placesOf, type TwoRegions } from './config.ts'
import { ApiStack } from './stacks/api.ts'
import { DataStack } from './stacks/data.ts'
import { EdgeStack } from './stacks/edge.ts'
import { SecondEdgeStack } from './stacks/second-edge.ts'
import { SecondWatchStack } from './stacks/second-watch.ts'
import { WatchStack } from './stacks/watch.ts'

export interface System {
  readonly data: DataStack
  readonly api: ApiStack
  /** An emulator has no machines: `local` runs the nodes. */
  readonly edge?: EdgeStack
  readonly watch?: WatchStack
  /** Where the configuration has two regions. */
  readonly second?: { readonly edge: SecondEdgeStack; readonly watch: SecondWatchStack }
}

export function createSystem(app: App, config: Config): System {
  const { home, second, adopted } = placesOf(config)
  const id = (stack: string) => `straightway-${config.name}-${stack}`
  // Machines that were the second region's stay, and are told where home is now.
  const machinesId = (stack: string) => (adopted ? `${id(stack)}-${home}` : id(stack))
  const here = home ? { config, env: { region: home } } : { config }
  const data = new DataStack(app, id('data'), here)
  const api = new ApiStack(app, id('api'), { ...here, data })
  Tags.of(app).add('straightway', config.name)
  if (config.emulator !== undefined) return { data, api }
  const edge = new EdgeStack(app, machinesId('edge'), { ...here, data, api })
  const watch = new WatchStack(app, machinesId('watch'), { ...here, api, edge })
  const beside = home && second ? { second: secondRegion(app, config, { home, second }, api) } : {}
  return { data, api, edge, watch, ...beside }
}

export function stacksOf({ data, api, edge, watch, second }: System): Stack[] {
  return [data, api, edge, watch, second?.edge, second?.watch].filter((stack) => stack !== undefined)
}

/** Nodes there look up where INDEX is, so it is deployed first. */
function secondRegion(app: App, config: Config, regions: TwoRegions, api: ApiStack) {
  const id = (stack: string) => `straightway-${config.name}-${stack}-${regions.second}`
  const edge = new SecondEdgeStack(app, id('edge'), { config, regions })
  edge.addStackDependency(api)
  return { edge, watch: new SecondWatchStack(app, id('watch'), { config, regions, edge }) }
}
