/** `npm run picture`: draws docs/architecture.svg from the templates of a system with default configuration. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { App } from 'aws-cdk-lib'
import { architectureOf } from './architecture.ts'
import { parseConfig } from './config.ts'
import { draw } from './drawing.ts'
import { createSystem } from './system.ts'

const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } })
const system = createSystem(app, parseConfig({ name: 'prod' }))
writeFileSync(join(import.meta.dirname, '../docs/architecture.svg'), draw(architectureOf(system)))
