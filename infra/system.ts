/**
 * A whole system as CDK stacks, one per lifetime:
 *
 * - data: what must never be lost
 * - api: what changes with every release
 * - edge: what moves peers when it is replaced
 * - watch: what watches the others
 */
import {
  DefaultStackSynthesizer,
  type IStackSynthesizer,
  type Stack,
  type StackProps,
  Tags,
} from 'aws-cdk-lib'
import { ManagedPolicy, PermissionsBoundary } from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'
import { type Config, placesOf, type TwoRegions } from './config.ts'
import { ApiStack } from './stacks/api.ts'
import { DataStack } from './stacks/data.ts'
import { EdgeStack } from './stacks/edge.ts'
import { SecondEdgeStack } from './stacks/second-edge.ts'
import { SecondWatchStack } from './stacks/second-watch.ts'
import { WatchStack } from './stacks/watch.ts'

/** The stacks of a system. */
export interface System {
  readonly data: DataStack
  readonly api: ApiStack
  /** Undefined for an emulator, which has no machines: `local` runs the nodes. */
  readonly edge?: EdgeStack
  readonly watch?: WatchStack
  /** Stacks of the second region, if the configuration has one. */
  readonly second?: { readonly edge: SecondEdgeStack; readonly watch: SecondWatchStack }
}

/** Creates all stacks in `scope`, an app or a stage. Errors: `bad-request` if `regions.promoted.streams` lacks a stream. */
export function createSystem(scope: Construct, config: Config): System {
  const system = createStacks(scope, config)
  for (const stack of stacksOf(system)) governed(stack, config)
  return system
}

/** Applies an organisation's rules to a stack: tags on every resource, and a permissions boundary on every role. */
function governed(stack: Stack, { name, tags, permissionsBoundary }: Config): void {
  for (const [key, value] of Object.entries({ ...tags, straightway: name })) Tags.of(stack).add(key, value)
  if (permissionsBoundary === undefined) return
  const policy = ManagedPolicy.fromManagedPolicyArn(stack, 'Boundary', permissionsBoundary)
  PermissionsBoundary.of(stack).apply(policy)
}

function createStacks(app: Construct, config: Config): System {
  const { home, second, adopted } = placesOf(config)
  const id = (stack: string) => `straightway-${config.name}-${stack}`
  // After a promotion, the machines of the second region keep their stacks. They are updated to use the new home.
  const machinesId = (stack: string) => (adopted ? `${id(stack)}-${home}` : id(stack))
  const here = { config, ...deployedBy(config), ...(home && { env: { region: home } }) }
  const data = new DataStack(app, id('data'), here)
  const api = new ApiStack(app, id('api'), { ...here, data })
  if (config.emulator !== undefined) return { data, api }
  const edge = new EdgeStack(app, machinesId('edge'), { ...here, data, api })
  const watch = new WatchStack(app, machinesId('watch'), { ...here, api, edge })
  const beside = home && second ? { second: secondRegion(app, config, { home, second }, api) } : {}
  return { data, api, edge, watch, ...beside }
}

export function stacksOf({ data, api, edge, watch, second }: System): Stack[] {
  return [data, api, edge, watch, second?.edge, second?.watch].filter((stack) => stack !== undefined)
}

/** The synthesizer of a stack, if the account was bootstrapped with its own qualifier. */
function deployedBy({ bootstrap: { qualifier } }: Config): Pick<StackProps, 'synthesizer'> {
  if (qualifier === undefined) return {}
  return { synthesizer: new DefaultStackSynthesizer({ qualifier }) as IStackSynthesizer }
}

/** The stacks of the second region. Its nodes look up the URL of INDEX in the home region, so the api stack is deployed first. */
function secondRegion(app: Construct, config: Config, regions: TwoRegions, api: ApiStack) {
  const id = (stack: string) => `straightway-${config.name}-${stack}-${regions.second}`
  const edge = new SecondEdgeStack(app, id('edge'), { config, regions, ...deployedBy(config) })
  edge.addStackDependency(api)
  const watch = new SecondWatchStack(app, id('watch'), { config, regions, edge, ...deployedBy(config) })
  return { edge, watch }
}
