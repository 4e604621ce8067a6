/** The Lambda of INDEX, configured by its environment (config.ts). */
import { fromEnvironment } from '../environment.ts'
import { contextFrom } from './context.ts'
import { createHandler } from './handler.ts'

export const handler = fromEnvironment(contextFrom, createHandler)
