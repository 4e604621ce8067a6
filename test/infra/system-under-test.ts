/** Stacks as templates, without bundling: assets have their own tests. */
import { App, type Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { check } from '../../infra/checks.ts'
import { type ConfigInput, parseConfig } from '../../infra/config.ts'
import { createSystem, type System } from '../../infra/system.ts'

export function systemUnderTest(input: Partial<ConfigInput> = {}): System & { readonly app: App } {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } })
  const config = parseConfig({ name: 'test', alarmEmail: 'operator@example.com', ...input })
  check(app)
  return { app, ...createSystem(app, config) }
}

export type Resource = {
  readonly Type: string
  // biome-ignore lint/suspicious/noExplicitAny: templates are JSON of any shape
  readonly Properties: any
  readonly DeletionPolicy?: string
}

export function resourcesOf(stack: Stack, type: string): Resource[] {
  return Object.values(Template.fromStack(stack).findResources(type)) as Resource[]
}

/** Returns the template without what changes with the content of assets but not with the architecture. */
export function scrubbed(stack: Stack): unknown {
  const text = JSON.stringify(Template.fromStack(stack).toJSON())
  return JSON.parse(
    text.replaceAll(/[0-9a-f]{64}/g, 'HASH').replaceAll(/(Deployment[0-9A-F]{8})[0-9a-f]{32}/g, '$1HASH'),
  )
}
