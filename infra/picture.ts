/** `npm run picture`: draws docs/architecture.svg and docs/dashboard.svg from the templates of a system with default configuration. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { App } from 'aws-cdk-lib'
import { architectureOf } from './architecture.ts'
import { parseConfig } from './config.ts'
import { drawDashboard } from './dashboard-drawing.ts'
import { draw } from './drawing.ts'
import { resolved } from './permission/resolve.ts'
import { createSystem, stacksOf } from './system.ts'

const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } })
const system = createSystem(app, parseConfig({ name: 'prod' }))
const write = (name: string, svg: string) => writeFileSync(join(import.meta.dirname, '../docs', name), svg)
write('architecture.svg', draw(architectureOf(system)))
write('dashboard.svg', drawDashboard(resolved(stacksOf(system))))
