/**
 * The parts of a system and the calls between them, read from the synthesised templates. The picture in infra/README.md is
 * drawn from this, so it shows only what is deployed.
 */
import type { Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import type { System } from './system.ts'

export interface Box {
  readonly id: string
  readonly title: string
  readonly detail: string
}

export interface Arrow {
  readonly from: string
  readonly to: string
  readonly kind: 'stream' | 'call'
}

export interface Architecture {
  readonly machines: readonly Box[]
  readonly doors: readonly Box[]
  readonly functions: readonly Box[]
  readonly tables: readonly Box[]
  readonly arrows: readonly Arrow[]
  /** Number of resources, by stack. */
  readonly counts: Readonly<Record<string, number>>
}

// biome-ignore lint/suspicious/noExplicitAny: resources of templates have any shape
type Resources = [logicalId: string, properties: any][]

export function architectureOf({ data, api, edge, watch }: System): Architecture {
  const all = (stack: Stack | undefined, type: string): Resources =>
    stack === undefined
      ? []
      : Object.entries(Template.fromStack(stack).findResources(type)).map(([id, { Properties }]) => [
          id,
          Properties,
        ])
  const functions = all(api, 'AWS::Lambda::Function')
  const tables = all(data, 'AWS::DynamoDB::GlobalTable')
  const stacks = { data, api, edge, watch }
  return {
    machines: machinesOf(
      all(edge, 'AWS::AutoScaling::AutoScalingGroup'),
      all(edge, 'AWS::EC2::LaunchTemplate'),
    ),
    doors: doorsOf(
      all(api, 'AWS::ApiGateway::Method'),
      all(api, 'AWS::ApiGatewayV2::Route'),
      all(api, 'AWS::Events::Rule'),
    ),
    functions: functions.map(([id, { FunctionName, Description }]) => ({
      id,
      title: lastPart(FunctionName),
      detail: String(Description).replace('Straightway: ', ''),
    })),
    tables: tables.map(([, { TableName, StreamSpecification, GlobalSecondaryIndexes = [] }]) => ({
      id: lastPart(TableName),
      title: lastPart(TableName),
      detail: [StreamSpecification && 'stream', ...GlobalSecondaryIndexes.map(indexName)]
        .filter(Boolean)
        .join(', '),
    })),
    arrows: [
      ...streamsOf(all(api, 'AWS::Lambda::EventSourceMapping'), tables),
      ...callsOf(functions, all(api, 'AWS::Lambda::Permission')),
    ],
    counts: Object.fromEntries(
      Object.entries(stacks).map(([name, stack]) => [
        name,
        stack === undefined ? 0 : Object.keys(Template.fromStack(stack).toJSON().Resources ?? {}).length,
      ]),
    ),
  }
}

function machinesOf(groups: Resources, templates: Resources): Box[] {
  return groups.map(([id, { AutoScalingGroupName, MinSize, MaxSize }]) => {
    const template = templates.find(
      ([, { LaunchTemplateName }]) => LaunchTemplateName === AutoScalingGroupName,
    )
    const { InstanceType } = template?.[1].LaunchTemplateData ?? {}
    return { id, title: lastPart(AutoScalingGroupName), detail: `${MinSize} to ${MaxSize} ${InstanceType}` }
  })
}

function doorsOf(methods: Resources, routes: Resources, rules: Resources): Box[] {
  const served = methods.filter(([, { HttpMethod }]) => HttpMethod !== 'OPTIONS').length
  const keys = routes.map(([, { RouteKey }]) => RouteKey).join(' ')
  return [
    { id: 'apigateway', title: 'REST API', detail: `${served} routes` },
    { id: 'websocket', title: 'WebSocket API', detail: keys },
    { id: 'events', title: 'Schedule', detail: `${rules.length} rules` },
  ]
}

/** Arrows from tables to the functions that their streams call. The name of an imported stream ARN contains the table's name. */
function streamsOf(mappings: Resources, tables: Resources): Arrow[] {
  const names = tables.map(([, { TableName }]) => lastPart(TableName))
  return mappings.flatMap(([, { EventSourceArn, FunctionName }]) => {
    const imported = JSON.stringify(EventSourceArn)
    const from = names.find((name) => new RegExp(`Tables${name}[0-9A-F]{8}StreamArn`).test(imported))
    return from === undefined ? [] : [{ from, to: FunctionName.Ref, kind: 'stream' as const }]
  })
}

function callsOf(functions: Resources, permissions: Resources): Arrow[] {
  return permissions.flatMap(([, { Principal, FunctionName, SourceArn }]) => {
    const to = functions.find(([id]) => JSON.stringify(FunctionName).includes(`"${id}"`))?.[0]
    if (to === undefined) return []
    const service = String(Principal).split('.')[0]!
    const websocket = service === 'apigateway' && JSON.stringify(SourceArn).includes('GatewayApi')
    return [{ from: websocket ? 'websocket' : service, to, kind: 'call' as const }]
  })
}

const indexName = ({ IndexName }: { readonly IndexName: string }): string => IndexName
const lastPart = (name: string): string => name.split('-').at(-1)!
